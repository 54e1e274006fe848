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

/// The first byte of a proof that an author equivocates.
inline constexpr std::uint8_t proof_body_kind = 2;

/// Two signed packets of votes, as broadcast.
[[nodiscard]] Bytes encode_proof(ByteSpan first, ByteSpan second);

/// body: begins with proof_body_kind. Error: bad_encoding unless it holds two packets of votes of
/// one author and number with different content, the lesser first; too_large as decode_votes.
[[nodiscard]] std::expected<SignedAnnouncement, RejectReason> decode_proof(ByteSpan body);

/// body: begins with vote_body_kind. One packet has one encoding: all others are bad_encoding.
/// Error: bad_encoding; too_large for more than vote_probes_per_packet_max codes.
[[nodiscard]] std::expected<SignedAnnouncement, RejectReason> decode_votes(ByteSpan body);

}  // namespace starling::protocol::wire_detail
