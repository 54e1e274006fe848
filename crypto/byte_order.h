#pragma once
// Reading and writing the fixed layouts of this folder: big-endian integers, counted strings.

#include <concepts>
#include <cstddef>
#include <optional>

#include "starling/ids.h"

namespace starling::crypto {

void append(Bytes& out, ByteSpan bytes);

template <std::unsigned_integral T>
void append_big_endian(Bytes& out, T value) {
  for (std::size_t shift = sizeof(T) * 8; shift > 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(value >> (shift - 8)));
  }
}

/// Takes pieces off the front of borrowed bytes; nothing when too few are left.
class ByteReader {
 public:
  explicit ByteReader(ByteSpan bytes) : rest_(bytes) {}

  [[nodiscard]] std::optional<ByteSpan> take(std::size_t count) {
    if (rest_.size() < count) return std::nullopt;
    const ByteSpan taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  template <std::unsigned_integral T>
  [[nodiscard]] std::optional<T> take_big_endian() {
    const auto bytes = take(sizeof(T));
    if (!bytes) return std::nullopt;
    std::uint64_t value = 0;
    for (const std::uint8_t byte : *bytes) value = (value << 8U) | byte;
    return static_cast<T>(value);
  }

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  ByteSpan rest_;
};

}  // namespace starling::crypto
