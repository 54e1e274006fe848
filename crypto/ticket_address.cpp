#include "crypto/ticket_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace starling::crypto {
namespace {

constexpr std::uint8_t kind_ipv4 = 0;
constexpr std::uint8_t kind_ipv6 = 1;
constexpr std::uint8_t same_machine = 255;
constexpr std::size_t ipv4_bytes = 4;
constexpr std::size_t ipv6_bytes = 16;

struct HostPort {
  std::string host;  ///< Without brackets.
  std::uint16_t port = 0;
};

bool is_printable(char c) {
  return c > ' ' && c <= '~';
}

/// Addresses end up on terminals: no spaces, control characters or escape sequences.
bool is_printable_name(std::string_view name) {
  return !name.empty() && name.size() <= ticket_name_characters_max &&
         std::ranges::all_of(name, is_printable);
}

std::optional<HostPort> split(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == address.size()) return std::nullopt;
  std::string_view host = address.substr(0, colon);
  const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (is_bracketed) host = host.substr(1, host.size() - 2);
  if (!is_bracketed && host.contains(':')) return std::nullopt;
  HostPort parts{std::string(host), 0};
  const std::string_view port = address.substr(colon + 1);
  const auto [end, problem] = std::from_chars(port.begin(), port.end(), parts.port);
  if (problem != std::errc{} || end != port.end()) return std::nullopt;
  return parts;
}

template <std::size_t N>
std::optional<std::array<std::uint8_t, N>> numeric(int family, const std::string& host) {
  std::array<std::uint8_t, N> bytes;
  if (::inet_pton(family, host.c_str(), bytes.data()) != 1) return std::nullopt;
  return bytes;
}

/// address: of as many bytes as the family has.
std::string numeric_text(int family, ByteSpan address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, address.data(), text.data(), text.size());
  return text.data();
}

std::string joined(const std::string& host, std::uint16_t port) {
  const bool needs_brackets = host.contains(':');
  return (needs_brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<std::string> take_name(ByteReader& reader, std::size_t size) {
  const auto bytes = reader.take(size);
  if (!bytes) return std::nullopt;
  std::string name(bytes->begin(), bytes->end());
  const bool is_numeric = numeric<ipv4_bytes>(AF_INET, name) || numeric<ipv6_bytes>(AF_INET6, name);
  if (is_numeric || name.find_first_of("[],") != std::string::npos || !is_printable_name(name)) {
    return std::nullopt;
  }
  return name;
}

std::optional<std::string> take_host(ByteReader& reader, std::uint8_t kind) {
  const bool is_v4 = kind == kind_ipv4;
  if (is_v4 || kind == kind_ipv6) {
    const auto bytes = reader.take(is_v4 ? ipv4_bytes : ipv6_bytes);
    if (!bytes) return std::nullopt;
    return numeric_text(is_v4 ? AF_INET : AF_INET6, *bytes);
  }
  return take_name(reader, kind - 1U);
}

Result<void> append_one(Bytes& out, std::string_view address) {
  const auto parts = split(address);
  const bool has_brackets = parts && (parts->host.contains('[') || parts->host.contains(']'));
  if (!parts || has_brackets || !is_printable_name(parts->host)) {
    return invalid_input("address of " + std::to_string(address.size()) +
                         " characters cannot be put into a ticket; allowed: HOST:PORT, whose host "
                         "has 1 to " +
                         std::to_string(ticket_name_characters_max) +
                         " printable characters without spaces");
  }
  if (const auto v4 = numeric<ipv4_bytes>(AF_INET, parts->host)) {
    out.push_back(kind_ipv4);
    append(out, *v4);
  } else if (const auto v6 = numeric<ipv6_bytes>(AF_INET6, parts->host)) {
    out.push_back(kind_ipv6);
    append(out, *v6);
  } else {
    out.push_back(static_cast<std::uint8_t>(parts->host.size() + 1));
    out.insert(out.end(), parts->host.begin(), parts->host.end());
  }
  append_big_endian(out, parts->port);
  return {};
}

}  // namespace

Result<std::size_t> append_addresses(Bytes& out, std::string_view addresses) {
  std::size_t count = 0;
  for (bool is_last = false; !is_last; ++count) {
    const std::size_t comma = std::min(addresses.find(','), addresses.size());
    if (count > 0) out.push_back(same_machine);
    if (auto added = append_one(out, addresses.substr(0, comma)); !added) {
      return std::unexpected(added.error());
    }
    is_last = comma == addresses.size();
    addresses.remove_prefix(is_last ? comma : comma + 1);
  }
  return count;
}

std::optional<TicketAddress> take_address(ByteReader& reader) {
  TicketAddress address;
  auto kind = reader.take_big_endian<std::uint8_t>();
  if (kind == same_machine) {
    address.is_of_same_machine = true;
    kind = reader.take_big_endian<std::uint8_t>();
  }
  if (!kind || *kind == same_machine) return std::nullopt;
  const auto host = take_host(reader, *kind);
  const auto port = host ? reader.take_big_endian<std::uint16_t>() : std::nullopt;
  if (!port) return std::nullopt;
  address.text = joined(*host, *port);
  return address;
}

}  // namespace starling::crypto
