#include "sim/trace.h"

#include "crypto/byte_order.h"

namespace starling::sim {

void Trace::note_parts(Instant at, std::uint32_t node, TraceKind kind, std::size_t detail,
                       const Parts& parts) {
  Bytes line;
  crypto::append_big_endian(line, static_cast<std::uint64_t>(at.since_start.count()));
  crypto::append_big_endian(line, node);
  line.push_back(static_cast<std::uint8_t>(kind));
  line.push_back(static_cast<std::uint8_t>(detail));
  crypto::append_big_endian(line, static_cast<std::uint64_t>(parts[0].size() + parts[1].size()));
  hasher_.update(line);
  for (const ByteSpan part : parts) hasher_.update(part);
  events_ += kind == TraceKind::input ? 1 : 0;
}

}  // namespace starling::sim
