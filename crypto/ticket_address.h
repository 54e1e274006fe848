#pragma once
// Addresses in few bytes, as they stand in a ticket. Each has exactly one form:
//
//   0 ‖ IPv4 address (4 bytes) ‖ port (16 bits, big-endian)
//   1 ‖ IPv6 address (16 bytes) ‖ port
//   n + 1 ‖ name of n printable characters without spaces, 1 to 253 ‖ port
//   255 in front of any of these: another address of the same machine as the one before

#include <optional>
#include <string>
#include <string_view>

#include "crypto/byte_order.h"
#include "starling/ids.h"
#include "starling/result.h"

namespace starling::crypto {

inline constexpr std::size_t ticket_name_characters_max = 253;  // a DNS name has at most that

/// Appends the bytes of one machine's addresses: "host:port" or "[v6]:port", or several of them
/// with commas between. Returns their number. Error: invalid_input: not such an address, or its
/// name is too long or not printable.
[[nodiscard]] Result<std::size_t> append_addresses(Bytes& out, std::string_view addresses);

struct TicketAddress {
  std::string text;                 ///< "host:port".
  bool is_of_same_machine = false;  ///< As the address before.
};

/// The next one. Nothing if the bytes are too few or are not those that append_addresses() writes.
[[nodiscard]] std::optional<TicketAddress> take_address(ByteReader& reader);

}  // namespace starling::crypto
