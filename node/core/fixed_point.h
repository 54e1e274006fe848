#pragma once
// Vectors on the integer grid of merges and of the ledger: int32, unit 2^-24, little endian. Sums
// of integers do not depend on order, so every owner of a slice finds the same mean.

#include <cstdint>
#include <span>
#include <vector>

#include "node/core/learner_job.h"
#include "starling/ids.h"

namespace starling::node {

/// The grid's unit: a range of +-128 in steps of 6e-8 (LEDGER.md, definitions).
inline constexpr double grid_unit = 0x1.0p-24;

/// Nearest grid value; beyond the range the nearest end, NaN as 0. Bytes: 4 per value.
[[nodiscard]] Bytes to_fixed_point(std::span<const float> values);
/// The ledger's own integers, which floats hold exactly up to magnitude 1 only.
[[nodiscard]] Bytes to_fixed_point(std::span<const std::int32_t> grid);

/// bytes.size() is a multiple of 4.
[[nodiscard]] std::vector<float> from_fixed_point(ByteSpan bytes);

/// The integers themselves.
[[nodiscard]] std::vector<std::int32_t> fixed_point_values(ByteSpan bytes);

/// Sum of weight times value, in protocol::sum_value_bytes() bytes a value, little endian. Weights
/// are at most merge_weight_max each, so that 2^10 of them keep the sum inside 64 bits; all parts
/// have as many values as the first.
[[nodiscard]] Bytes weighted_sum(std::span<const WeightedSlice> parts);

/// Mean of the same parts as int32, rounded half away from zero.
[[nodiscard]] Bytes weighted_mean(std::span<const WeightedSlice> parts);

}  // namespace starling::node
