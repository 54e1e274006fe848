#include "crypto/ticket.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <tuple>
#include <utility>

#include "crypto/base64.h"
#include "crypto/byte_order.h"
#include "crypto/digest.h"
#include "crypto/ticket_address.h"
#include "starling/check.h"

namespace starling::crypto {
namespace {

constexpr std::string_view prefix = "starling2";
constexpr std::string_view old_prefix = "starling1";
constexpr std::string_view signature_context = "starling ticket 2";
constexpr std::string_view checksum_context = "starling ticket";
constexpr std::uint8_t flag_private = 1;
constexpr unsigned address_count_shift = 1;
constexpr std::uint8_t flags_max = flag_private | ticket_addresses_max << address_count_shift;
constexpr std::size_t signature_bytes = std::tuple_size_v<Signature>;
constexpr std::size_t checksum_bytes = 4;
constexpr std::size_t ticket_bytes_min = 1 + 1 + RunId::size + 4 + signature_bytes + checksum_bytes;
constexpr std::size_t ticket_bytes_max = (ticket_characters_max - prefix.size()) * 6 / 8;
static_assert(ticket_bytes_max <= std::numeric_limits<std::uint8_t>::max());

std::size_t characters_of(std::size_t bytes) {
  return prefix.size() + (bytes * 8 + 5) / 6;
}

bool is_printable(char c) {
  return c > ' ' && c <= '~';
}

Signature sign(ByteSpan content, const SigningKey& key) {
  Bytes bytes(signature_context.begin(), signature_context.end());
  append(bytes, content);
  return key.sign(bytes);
}

ByteSpan front_of(const Digest& digest) {
  return ByteSpan(digest.bytes).first(checksum_bytes);
}

Result<void> check_expiry(const Ticket& ticket) {
  constexpr std::int64_t expiry_max = std::numeric_limits<std::uint32_t>::max();
  if (ticket.expiry.value < 0 || ticket.expiry.value > expiry_max) {
    return invalid_input("ticket expires at " + std::to_string(ticket.expiry.value) +
                         " seconds since 1970; allowed: 0 to " + std::to_string(expiry_max) +
                         " (February 2106)");
  }
  return {};
}

/// Returns the number of addresses.
Result<std::size_t> append_all(Bytes& out, const std::vector<std::string>& machines) {
  std::size_t count = 0;
  for (const std::string& addresses : machines) {
    const auto added = append_addresses(out, addresses);
    if (!added) return added;
    count += *added;
  }
  if (count <= ticket_addresses_max) return count;
  return invalid_input("ticket has " + std::to_string(count) + " addresses; allowed: at most " +
                       std::to_string(ticket_addresses_max));
}

/// Everything before the signature.
Result<Bytes> encode_content(const Ticket& ticket) {
  if (auto checked = check_expiry(ticket); !checked) return std::unexpected(checked.error());
  Bytes bytes{0, 0};  // length and flags, once they are known
  append(bytes, ticket.run.bytes);
  append_big_endian(bytes, static_cast<std::uint32_t>(ticket.expiry.value));
  if (ticket.secret) append(bytes, ticket.secret->bytes());
  const auto count = append_all(bytes, ticket.addresses);
  if (!count) return std::unexpected(count.error());
  const std::size_t size = bytes.size() + signature_bytes + checksum_bytes;
  if (size > ticket_bytes_max) {
    return invalid_input("the ticket would have " + std::to_string(characters_of(size)) +
                         " characters; allowed: at most " + std::to_string(ticket_characters_max) +
                         "; give fewer addresses, or shorter ones");
  }
  bytes[0] = static_cast<std::uint8_t>(size);
  bytes[1] = static_cast<std::uint8_t>((ticket.secret ? flag_private : 0U) |
                                       *count << address_count_shift);
  return bytes;
}

bool take_secret(ByteReader& reader, Ticket& ticket) {
  const auto bytes = reader.take(16);
  if (!bytes) return false;
  std::ranges::copy(*bytes, ticket.secret.emplace().mutable_bytes().begin());
  return true;
}

bool take_addresses(ByteReader& reader, std::size_t count, Ticket& ticket) {
  for (std::size_t i = 0; i < count; ++i) {
    auto address = take_address(reader);
    if (!address || (i == 0 && address->is_of_same_machine)) return false;
    if (address->is_of_same_machine) {
      ticket.addresses.back() += "," + address->text;
    } else {
      ticket.addresses.push_back(std::move(address->text));
    }
  }
  return true;
}

/// The inverse of encode_content, without its first byte; nothing if the layout is not followed to
/// the last byte.
std::optional<Ticket> decode_content(ByteSpan content) {
  ByteReader reader(content);
  Ticket ticket;
  const auto flags = reader.take_big_endian<std::uint8_t>();
  const auto run = reader.take(RunId::size);
  const auto expiry = reader.take_big_endian<std::uint32_t>();
  if (!flags || *flags > flags_max || !run || !expiry) return std::nullopt;
  ticket.run = *RunId::from_bytes(*run);
  ticket.expiry.value = *expiry;
  const bool is_private = (*flags & flag_private) != 0;
  if (is_private && !take_secret(reader, ticket)) return std::nullopt;
  const bool is_complete =
      take_addresses(reader, *flags >> address_count_shift, ticket) && reader.at_end();
  return is_complete ? std::optional(std::move(ticket)) : std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view white_space = " \t\r\n";
  const std::size_t first = text.find_first_not_of(white_space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

/// For error messages: what can be shown of the first characters.
std::string printable_start(std::string_view text) {
  std::string start(text.substr(0, prefix.size()));
  std::ranges::replace_if(start, [](char c) { return !is_printable(c); }, '?');
  return start;
}

std::unexpected<Error> not_a_ticket(std::string_view text) {
  if (text.starts_with(old_prefix)) {
    return invalid_input(
        "the ticket begins with \"starling1\": it is of an older version, whose tickets are not "
        "read any more; ask the run's owner for one that begins with \"starling2\"");
  }
  return invalid_input("not a ticket: it begins with \"" + printable_start(text) +
                       "\"; allowed: \"" + std::string(prefix) + "\"");
}

std::unexpected<Error> bad_character(char seen, std::size_t position) {
  const std::string shown = is_printable(seen) ? std::string("'") + seen + "'" : "not printable";
  return invalid_input("ticket has a wrong character (" + shown + ") at position " +
                       std::to_string(position + 1) + "; allowed: letters, digits, '-' and '_'");
}

/// Checks the length of a ticket with `characters` characters against its own first byte.
Result<void> check_length(std::size_t characters, std::size_t stated_bytes) {
  const std::size_t stated = characters_of(stated_bytes);
  if (stated_bytes < ticket_bytes_min || stated_bytes > ticket_bytes_max) {
    return invalid_input(
        "ticket is damaged: its beginning says that it has " + std::to_string(stated) +
        " characters; allowed: " + std::to_string(characters_of(ticket_bytes_min)) + " to " +
        std::to_string(ticket_characters_max));
  }
  if (characters == stated) return {};
  return invalid_input(
      std::string(characters < stated ? "ticket is cut short" : "ticket is too long") +
      ": it has " + std::to_string(characters) + " characters, its beginning says " +
      std::to_string(stated));
}

/// Undoes the text form: prefix, alphabet, length and checksum are right in what it returns.
Result<Bytes> decode_text(std::string_view text) {
  if (!text.starts_with(prefix)) return not_a_ticket(text);
  const std::string_view digits = text.substr(prefix.size());
  auto bytes = decode_base64url(digits);
  const bool ends_inside_byte = !bytes && bytes.error() == digits.size();
  if (!bytes && !ends_inside_byte) {
    return bad_character(digits[bytes.error()], prefix.size() + bytes.error());
  }
  constexpr std::size_t header_digits = 4;  // three bytes, the first of which is the length
  if (digits.size() < header_digits) {
    return invalid_input("ticket is cut short: it has " + std::to_string(text.size()) +
                         " characters; allowed: at least " +
                         std::to_string(characters_of(ticket_bytes_min)));
  }
  const Bytes header = *decode_base64url(digits.substr(0, header_digits));
  if (auto checked = check_length(text.size(), header.front()); !checked) {
    return std::unexpected(checked.error());
  }
  if (ends_inside_byte) return invalid_input("ticket is damaged: its last character is wrong");
  const ByteSpan content = ByteSpan(*bytes).first(bytes->size() - checksum_bytes);
  if (!std::ranges::equal(front_of(digest_in(checksum_context, content)),
                          ByteSpan(*bytes).last(checksum_bytes))) {
    return invalid_input(
        "ticket is damaged: its checksum is wrong; copy it again, all of it and nothing else");
  }
  bytes->resize(content.size());
  return *std::move(bytes);
}

}  // namespace

Result<std::string> write_ticket(const Ticket& ticket, const SigningKey& owner) {
  auto bytes = encode_content(ticket);
  if (!bytes) return std::unexpected(bytes.error());
  append(*bytes, sign(*bytes, owner));
  append(*bytes, front_of(digest_in(checksum_context, *bytes)));
  return std::string(prefix) + encode_base64url(*bytes);
}

Result<Ticket> parse_ticket(std::string_view text) {
  const auto bytes = decode_text(trimmed(text));
  if (!bytes) return std::unexpected(bytes.error());
  const ByteSpan content = ByteSpan(*bytes).first(bytes->size() - signature_bytes);
  auto ticket = decode_content(content.subspan(1));
  if (!ticket) return invalid_input("ticket is damaged: its fields do not fit together");
  std::ranges::copy(ByteSpan(*bytes).last(signature_bytes), ticket->signature.begin());
  return *std::move(ticket);
}

bool is_signed_by(const Ticket& ticket, const NodeId& owner) {
  const auto content = encode_content(ticket);
  if (!content) return false;
  Bytes bytes(signature_context.begin(), signature_context.end());
  append(bytes, *content);
  return verify(owner, bytes, ticket.signature);
}

std::optional<Secret<32>> pre_shared_key(const Ticket& ticket) {
  if (!ticket.secret) return std::nullopt;
  Digest key = keyed_digest(ticket.secret->bytes(), "starling psk", ticket.run.bytes);
  std::optional<Secret<32>> secret(Secret<32>(key.bytes));
  wipe(key.bytes);
  return secret;
}

}  // namespace starling::crypto
