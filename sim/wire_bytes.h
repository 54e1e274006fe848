#pragma once
// Messages as the bytes that travel between simulated nodes.

#include "protocol/wire/message.h"
#include "starling/ids.h"

namespace starling::sim {

/// A bulk's header has an encoding, its data travels raw behind it (wire.h).
[[nodiscard]] Bytes wire_bytes(const protocol::Message& message);
/// Of a bulk; of others 0.
[[nodiscard]] std::size_t data_bytes_of(const protocol::Message& message);
/// What the receiver makes of the bytes, of which the last data_bytes are a bulk's. Ours are always
/// good: anything else is a bug of the wire.
[[nodiscard]] protocol::Message read_back(ByteSpan bytes, std::size_t data_bytes);

/// For a stream, in which no one knows the message: the number of data bytes goes first.
[[nodiscard]] Bytes framed(const protocol::Message& message, ByteSpan bytes);
[[nodiscard]] protocol::Message message_of(ByteSpan framed);

}  // namespace starling::sim
