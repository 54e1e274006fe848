#pragma once
// A sum of numbers that are far apart, exact: an integer of 384 bits. What a merge's blocks come to
// where their units are too different for 64 bits, which is rare.

#include <array>
#include <cstddef>
#include <cstdint>

#include "starling/ids.h"

namespace starling::node {

/// Two's complement, the lowest limb first. It never overflows in a merge: parts have 320 bits,
/// and there are 1,024 of them at most.
class WideSum {
 public:
  static constexpr std::size_t limbs = 6;

  /// Adds value * 2^shift. bytes: of a two's complement integer, little endian; shift + its bits at
  /// most 320.
  void add(ByteSpan bytes, unsigned shift);
  /// magnitude of value: below 2^63; shift at most 256.
  void add(std::int64_t value, unsigned shift);

  [[nodiscard]] bool is_negative() const { return (limbs_.back() >> 63U) != 0; }
  /// The nearest double, ties to even.
  [[nodiscard]] double to_double() const;
  /// Bytes that a two's complement integer of this value / 2^shift needs; 0 for zero. The division
  /// is exact if all that was added had a shift of at least this.
  [[nodiscard]] std::size_t width(unsigned shift) const;
  /// value / 2^shift in `width` bytes, at the end of the range where it does not fit.
  void write(unsigned shift, std::size_t width, std::uint8_t* out) const;

 private:
  using Limbs = std::array<std::uint64_t, limbs>;
  void add_shifted(const Limbs& value, unsigned shift);
  [[nodiscard]] Limbs shifted_right(unsigned shift) const;

  Limbs limbs_{};
};

}  // namespace starling::node
