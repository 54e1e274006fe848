#include "sim/trace.h"

#include "crypto/byte_order.h"

namespace starling::sim {

void Trace::note(Instant at, std::uint32_t node, TraceKind kind, std::size_t detail,
                 ByteSpan bytes) {
  Bytes line;
  crypto::append_big_endian(line, static_cast<std::uint64_t>(at.since_start.count()));
  crypto::append_big_endian(line, node);
  line.push_back(static_cast<std::uint8_t>(kind));
  line.push_back(static_cast<std::uint8_t>(detail));
  crypto::append_big_endian(line, static_cast<std::uint64_t>(bytes.size()));
  hasher_.update(line);
  hasher_.update(bytes);
  events_ += kind == TraceKind::input ? 1 : 0;
}

}  // namespace starling::sim
