#pragma once
// Vectors on the ledger's integer grid: int32, unit 2^-24, little endian.

#include <cstdint>
#include <span>
#include <vector>

#include "starling/ids.h"

namespace starling::node {

/// The grid's unit: a range of +-128 in steps of 6e-8 (LEDGER.md, definitions).
inline constexpr double grid_unit = 0x1.0p-24;

/// The ledger's own integers, which floats hold exactly up to magnitude 1 only. Bytes: 4 per value.
[[nodiscard]] Bytes to_fixed_point(std::span<const std::int32_t> grid);

/// bytes.size() is a multiple of 4.
[[nodiscard]] std::vector<float> from_fixed_point(ByteSpan bytes);

/// The integers themselves.
[[nodiscard]] std::vector<std::int32_t> fixed_point_values(ByteSpan bytes);

}  // namespace starling::node
