#pragma once
// The body of an announcement that holds votes, by far the most frequent: bytes of its own instead
// of Cap'n Proto, whose pointers and words would take as much room as the votes (docs/WIRE.md,
// docs/adr/0010). Internal to the wire.

#include <expected>

#include "protocol/reject_reason.h"
#include "protocol/wire/announcement.h"
#include "starling/ids.h"

namespace starling::protocol::wire_detail {

/// The first byte of such a body. No Cap'n Proto segment begins so: its first word is a pointer to
/// a struct, whose two low bits are 0.
inline constexpr std::uint8_t vote_body_kind = 1;

[[nodiscard]] Bytes encode_votes(const NodeId& author, const VotePacket& packet);

/// body: begins with vote_body_kind. One packet has one encoding: all others are bad_encoding.
/// Error: bad_encoding; too_large for more than vote_probes_per_packet_max codes.
[[nodiscard]] std::expected<SignedAnnouncement, RejectReason> decode_votes(ByteSpan body);

}  // namespace starling::protocol::wire_detail
