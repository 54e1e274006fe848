#pragma once
// The integer grid: parameter i is 2^-24 * grid[i]. Sums wrap modulo 2^32: saturation would make
// them depend on the order. The range is +-128 at steps of 6e-8 (LEDGER.md).

#include <cstdint>
#include <span>

namespace starling::optim {

inline constexpr float grid_unit = 0x1.0p-24F;

/// The nearest grid value; beyond the range, the end of the range.
[[nodiscard]] std::int32_t to_grid(float value);
/// The nearest float; exact for magnitudes up to 1.
[[nodiscard]] constexpr float from_grid(std::int32_t value) {
  return static_cast<float>(value) * grid_unit;
}

/// Both spans have the same length.
void to_grid(std::span<const float> values, std::span<std::int32_t> grid);
void from_grid(std::span<const std::int32_t> grid, std::span<float> values);

[[nodiscard]] constexpr std::int32_t wrapping_add(std::int32_t value, std::uint32_t change) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(value) + change);
}

}  // namespace starling::optim
