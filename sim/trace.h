#pragma once
// One digest of everything that happened, in order: two runs of a seed are the same run exactly
// when their traces are equal.

#include <array>
#include <cstdint>

#include "crypto/digest.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::sim {

/// What a line of the trace tells.
enum class TraceKind : std::uint8_t { input, send, computed, saved, notified, fault };

class Trace {
 public:
  /// detail: which input, output or fault; bytes: its content, may be empty.
  void note(Instant at, std::uint32_t node, TraceKind kind, std::size_t detail, ByteSpan bytes) {
    note_parts(at, node, kind, detail, {bytes, ByteSpan()});
  }
  /// The same of bytes that lie in two parts.
  using Parts = std::array<ByteSpan, 2>;
  void note_parts(Instant at, std::uint32_t node, TraceKind kind, std::size_t detail,
                  const Parts& parts);

  [[nodiscard]] std::uint64_t events() const { return events_; }
  /// Call once, at the end.
  [[nodiscard]] Digest finish() { return hasher_.finish(); }

 private:
  crypto::Hasher hasher_{"starling-trace-1"};
  std::uint64_t events_ = 0;
};

}  // namespace starling::sim
