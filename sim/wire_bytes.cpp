#include "sim/wire_bytes.h"

#include <utility>
#include <variant>

#include "protocol/wire/wire.h"
#include "starling/check.h"

namespace starling::sim {

namespace {

constexpr std::size_t size_bytes = 4;

}  // namespace

std::size_t data_bytes_of(const protocol::Message& message) {
  const auto* bulk = std::get_if<protocol::Bulk>(&message);
  return bulk == nullptr ? 0 : bulk->data.size();
}

Bytes wire_bytes(const protocol::Message& message) {
  const auto* bulk = std::get_if<protocol::Bulk>(&message);
  if (bulk == nullptr) return protocol::encode(message);
  Bytes bytes = protocol::encode(protocol::BulkHeader{.kind = bulk->kind,
                                                      .number = bulk->number,
                                                      .step = bulk->step,
                                                      .degree = bulk->degree,
                                                      .context = bulk->context,
                                                      .bytes = bulk->data.size()});
  bytes.insert(bytes.end(), bulk->data.begin(), bulk->data.end());
  return bytes;
}

protocol::Message read_back(ByteSpan bytes, std::size_t data_bytes) {
  const std::size_t head = bytes.size() - data_bytes;
  auto decoded = protocol::decode(bytes.first(head));
  STARLING_CHECK(decoded && *decoded);
  const auto* header = std::get_if<protocol::BulkHeader>(&**decoded);
  if (header == nullptr) return std::move(**decoded);
  const ByteSpan data = bytes.subspan(head);
  return protocol::Bulk{.kind = header->kind,
                        .number = header->number,
                        .step = header->step,
                        .degree = header->degree,
                        .context = header->context,
                        .data = Bytes(data.begin(), data.end())};
}

Bytes framed(const protocol::Message& message, ByteSpan bytes) {
  Bytes frame;
  const std::size_t data_bytes = data_bytes_of(message);
  for (unsigned shift = 0; shift < 8 * size_bytes; shift += 8) {
    frame.push_back(static_cast<std::uint8_t>(data_bytes >> shift));
  }
  frame.insert(frame.end(), bytes.begin(), bytes.end());
  return frame;
}

protocol::Message message_of(ByteSpan framed) {
  STARLING_CHECK(framed.size() >= size_bytes);
  std::size_t data_bytes = 0;
  for (std::size_t i = size_bytes; i-- > 0;) data_bytes = data_bytes << 8U | framed[i];
  return read_back(framed.subspan(size_bytes), data_bytes);
}

}  // namespace starling::sim
