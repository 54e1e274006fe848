#pragma once
// Messages and announcements to bytes and back: Cap'n Proto, one segment, never packed, without a
// segment table because the frame already carries the length; votes in bytes of their own
// (wire_votes.h). Nothing else knows the encoding.

#include <expected>
#include <optional>

#include "protocol/reject_reason.h"
#include "protocol/wire/announcement.h"
#include "protocol/wire/message.h"
#include "starling/ids.h"

namespace starling::protocol {

/// Bytes: a multiple of 8. A Bulk has no encoding of its own (a bug): it travels as a BulkHeader
/// and raw frames, see session.h. Limits are the sender's duty; Session::send checks the size.
[[nodiscard]] Bytes encode(const Message& message);

/// A foreign message. nullopt: a union member of a newer version, to be ignored.
/// Error: bad_encoding, or too_large for a text, list or payload above its limit.
[[nodiscard]] std::expected<std::optional<Message>, RejectReason> decode(ByteSpan bytes);

/// The part of an announcement that is signed. Every commitment of a roster belongs to its merge.
[[nodiscard]] Bytes encode_announcement(const SignedAnnouncement& announcement);

/// Error: as decode. The signature is not part of `body`; open_announcement checks it.
[[nodiscard]] std::expected<SignedAnnouncement, RejectReason> decode_announcement(ByteSpan body);

}  // namespace starling::protocol
