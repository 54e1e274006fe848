#pragma once
// Tickets: everything a newcomer needs to join a run, signed, as one word of text.
//
// Text: "starling1" ‖ base32(bytes), either case. Bytes, integers big-endian:
//   total length of the bytes                            16 bits
//   run id                                               32 bytes
//   issuer's node id                                     32 bytes
//   expiry, seconds since 1970                           64 bits
//   flags: bit 0 says that a pre-shared key follows       8 bits
//   pre-shared key                                       0 or 32 bytes
//   length of the description, description               16 bits, 0 to 2,048 bytes
//   number of addresses, then length and text of each     8 bits, 8 bits, 1 to 255 characters
//   Ed25519 signature of "starling ticket 1" and everything before   64 bytes

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/secret.h"
#include "crypto/signature.h"
#include "starling/ids.h"
#include "starling/instant.h"
#include "starling/result.h"

namespace starling::crypto {

// Our guesses: a run file has a few hundred bytes, a ticket names a handful of well-known nodes.
inline constexpr std::size_t ticket_description_bytes_max = 2048;
inline constexpr std::size_t ticket_addresses_max = 8;
inline constexpr std::size_t ticket_address_characters_max = 255;  // a DNS name has at most 253

struct Ticket {
  RunId run;
  NodeId issuer;
  UnixSeconds expiry;                  ///< The first second at which the ticket is refused.
  std::optional<Secret<32>> psk;       ///< Set for a private run: whoever has the ticket can join.
  Bytes description;                   ///< Opaque here; the run's text.
  std::vector<std::string> addresses;  ///< "host:port", printable ASCII without spaces.
};

/// The ticket's text, signed by `key`, whose id becomes the issuer (ticket.issuer is not read).
/// Error: invalid_input, a part longer than its bound.
[[nodiscard]] Result<std::string> write_ticket(const Ticket& ticket, const SigningKey& key);

/// Reads what a person pasted; surrounding white space is ignored.
/// Error: invalid_input with the reason (cut short, not a ticket, damaged, forged, expired).
[[nodiscard]] Result<Ticket> parse_ticket(std::string_view text, UnixSeconds now);

}  // namespace starling::crypto
