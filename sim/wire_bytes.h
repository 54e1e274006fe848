#pragma once
// Messages as the bytes that a session would seal: what is sent is read back from them, so that the
// simulator sees what the wire keeps. The data of bulk is shared, and lies beside its header.

#include <cstddef>
#include <optional>

#include "protocol/shared_bytes.h"
#include "protocol/wire/message.h"
#include "starling/ids.h"

namespace starling::sim {

struct WireBytes {
  Bytes head;                  ///< The message; of bulk, its header.
  protocol::SharedBytes data;  ///< Of bulk.

  [[nodiscard]] std::size_t size() const { return head.size() + data.size(); }
};

[[nodiscard]] WireBytes wire_bytes(const protocol::Message& message);

/// What the receiver makes of them.
[[nodiscard]] protocol::Message read_back(const WireBytes& bytes);

/// The same in one string, for a stream that has no messages of its own.
[[nodiscard]] Bytes framed(const WireBytes& bytes);
/// framed: by framed().
[[nodiscard]] protocol::Message message_of(ByteSpan framed);
/// Of a bulk message that has come in part, as soon as its header is there.
[[nodiscard]] std::optional<protocol::BulkHeader> bulk_header_of(ByteSpan framed_part);

}  // namespace starling::sim
