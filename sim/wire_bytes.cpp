#include "sim/wire_bytes.h"

#include <optional>
#include <utility>
#include <variant>

#include "protocol/wire/wire.h"
#include "starling/check.h"

namespace starling::sim {

namespace {

constexpr std::size_t size_bytes = 4;

/// Of the head, which stands at the front.
std::size_t head_size_of(ByteSpan framed) {
  STARLING_CHECK(framed.size() >= size_bytes);
  std::size_t size = 0;
  for (std::size_t i = size_bytes; i-- > 0;) size = size << 8U | framed[i];
  return size;
}

protocol::Message decoded(ByteSpan head) {
  auto message = protocol::decode(head);
  STARLING_CHECK(message && *message);
  return std::move(**message);
}

}  // namespace

WireBytes wire_bytes(const protocol::Message& message) {
  const auto* bulk = std::get_if<protocol::Bulk>(&message);
  if (bulk == nullptr) return {protocol::encode(message), {}};
  return {protocol::encode(protocol::BulkHeader{.kind = bulk->kind,
                                                .number = bulk->number,
                                                .step = bulk->step,
                                                .degree = bulk->degree,
                                                .context = bulk->context,
                                                .bytes = bulk->data.size()}),
          bulk->data};
}

protocol::Message read_back(const WireBytes& bytes) {
  protocol::Message message = decoded(bytes.head);
  const auto* header = std::get_if<protocol::BulkHeader>(&message);
  if (header == nullptr) return message;
  return protocol::Bulk{.kind = header->kind,
                        .number = header->number,
                        .step = header->step,
                        .degree = header->degree,
                        .context = header->context,
                        .data = bytes.data};
}

Bytes framed(const WireBytes& bytes) {
  Bytes frame;
  frame.reserve(size_bytes + bytes.size());
  for (unsigned shift = 0; shift < 8 * size_bytes; shift += 8) {
    frame.push_back(static_cast<std::uint8_t>(bytes.head.size() >> shift));
  }
  frame.insert(frame.end(), bytes.head.begin(), bytes.head.end());
  frame.insert(frame.end(), bytes.data.begin(), bytes.data.end());
  return frame;
}

protocol::Message message_of(ByteSpan framed) {
  const std::size_t head_size = head_size_of(framed);
  const ByteSpan head = framed.subspan(size_bytes, head_size);
  const ByteSpan data = framed.subspan(size_bytes + head_size);
  return read_back({Bytes(head.begin(), head.end()), Bytes(data.begin(), data.end())});
}

std::optional<protocol::BulkHeader> bulk_header_of(ByteSpan framed_part) {
  if (framed_part.size() < size_bytes) return std::nullopt;
  const std::size_t head_size = head_size_of(framed_part);
  if (framed_part.size() - size_bytes < head_size) return std::nullopt;
  const protocol::Message message = decoded(framed_part.subspan(size_bytes, head_size));
  const auto* header = std::get_if<protocol::BulkHeader>(&message);
  return header != nullptr ? std::optional(*header) : std::nullopt;
}

}  // namespace starling::sim
