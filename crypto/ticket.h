#pragma once
// Tickets: which run to join and where to knock, signed by the run's owner, as one short word of
// text. What the run is, its description says, which any member gives (docs/adr/0019).
//
// Text: "starling2" ‖ base64url(bytes). Bytes, integers big-endian:
//   number of all bytes                                   8 bits
//   flags: bit 0: a secret follows; bits 1, 2: addresses  8 bits
//   run id, the digest of the description                32 bytes
//   expiry, seconds since 1970                           32 bits
//   secret of a private run                               0 or 16 bytes
//   addresses (ticket_address.h)                          each 4 to 256 bytes
//   Ed25519 signature of "starling ticket 2" and everything before   64 bytes
//   front of BLAKE2b["starling ticket"](everything before)            4 bytes
//
// The checksum tells a ticket that was damaged on its way from one that was forged before anybody
// is dialled. The signature can be checked only with the owner's key, which is in the description.

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

// Fits a text message, a line of a letter and a QR code of 61 columns.
inline constexpr std::size_t ticket_characters_max = 256;
inline constexpr std::size_t ticket_addresses_max = 3;  // of all machines

struct Ticket {
  RunId run;
  UnixSeconds expiry;                ///< The first second at which newcomers are refused.
  std::optional<Secret<16>> secret;  ///< Set for a private run: whoever has the ticket can join.
  /// Of each machine: "host:port", or several with commas between.
  std::vector<std::string> addresses;
  Signature signature{};  ///< The owner's; set by parse_ticket().
};

/// The ticket's text, signed by `owner` (ticket.signature is not read).
/// Error: invalid_input naming what was seen and what is allowed: too many addresses, one that is
/// none, an expiry beyond 32 bits, more characters than ticket_characters_max.
[[nodiscard]] Result<std::string> write_ticket(const Ticket& ticket, const SigningKey& owner);

/// Reads what a person pasted; surrounding white space is ignored. Neither the signature nor the
/// expiry is checked: see is_signed_by().
/// Error: invalid_input with the reason (cut short, not a ticket, of an older version, damaged).
[[nodiscard]] Result<Ticket> parse_ticket(std::string_view text);

[[nodiscard]] bool is_signed_by(const Ticket& ticket, const NodeId& owner);

/// The pre-shared key of the run's handshakes; nothing for an open run. Every ticket of a run gives
/// the same one.
[[nodiscard]] std::optional<Secret<32>> pre_shared_key(const Ticket& ticket);

}  // namespace starling::crypto
