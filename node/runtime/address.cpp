#include "node/runtime/address.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace starling::runtime {

std::uint16_t HostPort::port_number() const {
  std::uint16_t number = 0;
  std::from_chars(port.data(), port.data() + port.size(), number);
  return number;
}

Result<HostPort> parse_host_port(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  const bool has_port = colon != std::string_view::npos && colon + 1 < address.size();
  std::string_view host = has_port ? address.substr(0, colon) : std::string_view{};
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool bare_v6 = !bracketed && host.find(':') != std::string_view::npos;
  if (host.empty() || bare_v6) {
    return invalid_input("address '" + std::string(address) +
                         "' is neither host:port nor [v6-address]:port");
  }
  // The resolver would take 99999 modulo 65536, and services by name.
  const std::string_view port = address.substr(colon + 1);
  std::uint16_t number = 0;
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (problem != std::errc{} || end != port.data() + port.size()) {
    return invalid_input("port of '" + std::string(address) + "' is '" + std::string(port) +
                         "', expected 0 to 65535");
  }
  return HostPort{std::string(host), std::string(port)};
}

Result<std::vector<HostPort>> parse_addresses(std::string_view text) {
  std::vector<HostPort> addresses;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    auto address = parse_host_port(text.substr(begin, comma - begin));
    if (!address) return std::unexpected(address.error());
    addresses.push_back(std::move(*address));
    begin = comma + 1;
  }
  if (addresses.size() <= addresses_per_node_max) return addresses;
  return invalid_input("address '" + std::string(text) + "' lists " +
                       std::to_string(addresses.size()) + " addresses, expected 1 to " +
                       std::to_string(addresses_per_node_max));
}

std::string address_text(std::string_view host, std::string_view port) {
  const bool is_v6 = host.find(':') != std::string_view::npos;
  std::string text(is_v6 ? "[" : "");
  text.append(host).append(is_v6 ? "]:" : ":").append(port);
  return text;
}

std::string join_addresses(std::span<const std::string> addresses) {
  std::string text;
  for (const std::string& address : addresses) {
    if (!text.empty()) text += ',';
    text += address;
  }
  return text;
}

bool is_wildcard(std::string_view host) {
  return host == "0.0.0.0" || host == "::" || host == "*";
}

Result<void> check_dialable(std::string_view text) {
  const auto addresses = parse_addresses(text);
  if (!addresses) return std::unexpected(addresses.error());
  for (const HostPort& address : *addresses) {
    if (!is_wildcard(address.host) && address.port_number() != 0) continue;
    return invalid_input("address '" + std::string(text) +
                         "' cannot be dialled; expected a host that others reach, and a port "
                         "from 1");
  }
  return {};
}

}  // namespace starling::runtime
