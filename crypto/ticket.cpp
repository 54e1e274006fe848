#include "crypto/ticket.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

#include "crypto/base32.h"
#include "crypto/byte_order.h"

namespace starling::crypto {
namespace {

constexpr std::string_view prefix = "starling1";
constexpr std::string_view signature_context = "starling ticket 1";
constexpr std::uint8_t flag_private = 1;
constexpr std::size_t length_field_bytes = 2;
constexpr std::size_t signature_bytes = std::tuple_size_v<Signature>;
// Fixed fields, then the bounds of the variable ones; fits the 16-bit length field.
constexpr std::size_t ticket_bytes_min =
    length_field_bytes + RunId::size + NodeId::size + 8 + 1 + 2 + 1 + signature_bytes;
constexpr std::size_t ticket_bytes_max = ticket_bytes_min + 32 + ticket_description_bytes_max +
                                         ticket_addresses_max * (1 + ticket_address_characters_max);

std::size_t characters_of(std::size_t bytes) {
  return prefix.size() + (bytes * 8 + 4) / 5;
}

bool is_printable(char c) {
  return c > ' ' && c <= '~';
}

/// Addresses end up on terminals: no spaces, control characters or escape sequences.
bool is_valid_address(std::string_view address) {
  return !address.empty() && address.size() <= ticket_address_characters_max &&
         std::ranges::all_of(address, is_printable);
}

Bytes signed_bytes(ByteSpan content) {
  Bytes bytes(signature_context.begin(), signature_context.end());
  append(bytes, content);
  return bytes;
}

ByteSpan bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Result<void> check_bounds(const Ticket& ticket) {
  if (ticket.description.size() > ticket_description_bytes_max) {
    return invalid_input("run description has " + std::to_string(ticket.description.size()) +
                         " bytes; a ticket holds at most " +
                         std::to_string(ticket_description_bytes_max));
  }
  if (ticket.addresses.size() > ticket_addresses_max) {
    return invalid_input("ticket has " + std::to_string(ticket.addresses.size()) +
                         " addresses; allowed: at most " + std::to_string(ticket_addresses_max));
  }
  for (const std::string& address : ticket.addresses) {
    if (is_valid_address(address)) continue;
    return invalid_input("address of " + std::to_string(address.size()) +
                         " characters cannot be put into a ticket; allowed: 1 to " +
                         std::to_string(ticket_address_characters_max) +
                         " printable characters without spaces");
  }
  return {};
}

/// Everything between the length field and the signature.
Bytes encode_content(const Ticket& ticket, const NodeId& issuer) {
  Bytes bytes;
  append(bytes, ticket.run.bytes);
  append(bytes, issuer.bytes);
  append_big_endian(bytes, static_cast<std::uint64_t>(ticket.expiry.value));
  bytes.push_back(ticket.psk ? flag_private : 0);
  if (ticket.psk) append(bytes, ticket.psk->bytes());
  append_big_endian(bytes, static_cast<std::uint16_t>(ticket.description.size()));
  append(bytes, ticket.description);
  bytes.push_back(static_cast<std::uint8_t>(ticket.addresses.size()));
  for (const std::string& address : ticket.addresses) {
    bytes.push_back(static_cast<std::uint8_t>(address.size()));
    append(bytes, bytes_of(address));
  }
  return bytes;
}

bool read_psk(ByteReader& reader, Ticket& ticket) {
  const auto flags = reader.take_big_endian<std::uint8_t>();
  if (!flags || *flags > flag_private) return false;
  if (*flags == 0) return true;
  const auto bytes = reader.take(32);
  if (!bytes) return false;
  std::ranges::copy(*bytes, ticket.psk.emplace().mutable_bytes().begin());
  return true;
}

bool read_description(ByteReader& reader, Ticket& ticket) {
  const auto size = reader.take_big_endian<std::uint16_t>();
  if (!size || *size > ticket_description_bytes_max) return false;
  const auto bytes = reader.take(*size);
  if (bytes) ticket.description.assign(bytes->begin(), bytes->end());
  return bytes.has_value();
}

bool read_addresses(ByteReader& reader, Ticket& ticket) {
  const auto count = reader.take_big_endian<std::uint8_t>();
  if (!count || *count > ticket_addresses_max) return false;
  for (std::size_t i = 0; i < *count; ++i) {
    const auto size = reader.take_big_endian<std::uint8_t>();
    const auto bytes = size ? reader.take(*size) : std::nullopt;
    if (!bytes) return false;
    std::string& address = ticket.addresses.emplace_back(bytes->begin(), bytes->end());
    if (!is_valid_address(address)) return false;
  }
  return true;
}

/// The inverse of encode_content; nothing if the layout is not followed to the last byte.
std::optional<Ticket> decode_content(ByteSpan content) {
  ByteReader reader(content);
  Ticket ticket;
  const auto run = reader.take(RunId::size);
  const auto issuer = reader.take(NodeId::size);
  const auto expiry = reader.take_big_endian<std::uint64_t>();
  if (!run || !issuer || !expiry) return std::nullopt;
  ticket.run = *RunId::from_bytes(*run);
  ticket.issuer = *NodeId::from_bytes(*issuer);
  ticket.expiry.value = static_cast<std::int64_t>(*expiry);
  const bool complete = read_psk(reader, ticket) && read_description(reader, ticket) &&
                        read_addresses(reader, ticket) && reader.at_end();
  return complete ? std::optional(std::move(ticket)) : std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view white_space = " \t\r\n";
  const std::size_t first = text.find_first_not_of(white_space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

bool has_prefix(std::string_view text) {
  const auto same_letter = [](char seen, char expected) {
    return seen == expected || (expected >= 'a' && seen == expected - 'a' + 'A');
  };
  return text.size() >= prefix.size() &&
         std::ranges::equal(text.substr(0, prefix.size()), prefix, same_letter);
}

/// For error messages: what can be shown of the first characters.
std::string printable_start(std::string_view text) {
  std::string start(text.substr(0, prefix.size()));
  std::ranges::replace_if(start, [](char c) { return !is_printable(c); }, '?');
  return start;
}

std::unexpected<Error> bad_character(char seen, std::size_t position) {
  const std::string shown = is_printable(seen) ? std::string("'") + seen + "'" : "not printable";
  return invalid_input("ticket has a wrong character (" + shown + ") at position " +
                       std::to_string(position + 1) + "; allowed: letters and the digits 2 to 7");
}

/// Checks the length of a ticket with `characters` characters against its own header.
Result<void> check_length(std::size_t characters, std::size_t stated_bytes) {
  const std::size_t stated = characters_of(stated_bytes);
  if (stated_bytes < ticket_bytes_min || stated_bytes > ticket_bytes_max) {
    return invalid_input(
        "ticket is damaged: its header says " + std::to_string(stated) +
        " characters; allowed: " + std::to_string(characters_of(ticket_bytes_min)) + " to " +
        std::to_string(characters_of(ticket_bytes_max)));
  }
  if (characters == stated) return {};
  return invalid_input(
      std::string(characters < stated ? "ticket is cut short" : "ticket is too long") +
      ": it has " + std::to_string(characters) + " characters, its header says " +
      std::to_string(stated));
}

/// Undoes the text form: prefix, alphabet and length are right in what it returns.
Result<Bytes> decode_text(std::string_view text) {
  if (!has_prefix(text)) {
    return invalid_input("not a ticket: it begins with \"" + printable_start(text) +
                         "\"; allowed: \"" + std::string(prefix) + "\"");
  }
  const std::string_view digits = text.substr(prefix.size());
  auto bytes = decode_base32(digits);
  const bool ends_inside_byte = !bytes && bytes.error() == digits.size();
  if (!bytes && !ends_inside_byte) {
    return bad_character(digits[bytes.error()], prefix.size() + bytes.error());
  }
  constexpr std::size_t header_digits = 8;  // 40 bits: the length field and whole bytes
  if (digits.size() < header_digits) {
    return invalid_input("ticket is cut short: it has " + std::to_string(text.size()) +
                         " characters; allowed: at least " +
                         std::to_string(characters_of(ticket_bytes_min)));
  }
  const Bytes header = *decode_base32(digits.substr(0, header_digits));
  const std::size_t stated_bytes = *ByteReader(header).take_big_endian<std::uint16_t>();
  if (auto checked = check_length(text.size(), stated_bytes); !checked) {
    return std::unexpected(checked.error());
  }
  if (ends_inside_byte) return invalid_input("ticket is damaged: its last character is wrong");
  return *std::move(bytes);
}

}  // namespace

Result<std::string> write_ticket(const Ticket& ticket, const SigningKey& key) {
  if (auto checked = check_bounds(ticket); !checked) return std::unexpected(checked.error());
  const Bytes content = encode_content(ticket, key.id());
  Bytes bytes;
  append_big_endian(
      bytes, static_cast<std::uint16_t>(length_field_bytes + content.size() + signature_bytes));
  append(bytes, content);
  append(bytes, key.sign(signed_bytes(bytes)));
  return std::string(prefix) + encode_base32(bytes);
}

Result<Ticket> parse_ticket(std::string_view text, UnixSeconds now) {
  const auto bytes = decode_text(trimmed(text));
  if (!bytes) return std::unexpected(bytes.error());
  const ByteSpan signed_part = ByteSpan(*bytes).first(bytes->size() - signature_bytes);
  auto ticket = decode_content(signed_part.subspan(length_field_bytes));
  if (!ticket) return invalid_input("ticket is damaged: its fields do not fit together");
  Signature signature;
  std::ranges::copy(ByteSpan(*bytes).last(signature_bytes), signature.begin());
  if (!verify(ticket->issuer, signed_bytes(signed_part), signature)) {
    return invalid_input("ticket is damaged or forged: its signature is not that of its issuer " +
                         ticket->issuer.short_text());
  }
  if (now >= ticket->expiry) {
    return invalid_input("ticket expired at " + std::to_string(ticket->expiry.value) +
                         " while now is " + std::to_string(now.value) + " (seconds since 1970)");
  }
  return *std::move(ticket);
}

}  // namespace starling::crypto
