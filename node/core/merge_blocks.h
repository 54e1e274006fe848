#pragma once
// The arithmetic of a merge (docs/adr/0028). Each block of a contribution has a unit of its own,
// 2^-30 of the block's largest magnitude or finer. Sums are exact, whatever their units, so that
// they do not depend on order; the mean is rounded once.

#include <cstdint>
#include <span>

#include "node/core/learner_job.h"
#include "starling/ids.h"

namespace starling::node {

/// What a model's values are: float32, or under votes int32 of unit 2^-24 (LEDGER.md, definitions).
enum class ModelForm : std::uint8_t { floats, grid };

/// The values of one member in blocks (protocol/merge/merge_block.h). values: finite.
/// Error of each: at most 2^-31 of its block's largest magnitude.
[[nodiscard]] Bytes blocks_of(std::span<const float> values);
/// The ledger's integers as they are.
[[nodiscard]] Bytes blocks_of(std::span<const std::int32_t> grid);

/// Sum of weight times value, exact. parts: at least one, all of so many values; of at most
/// merge_members_max members with weights of at most merge_weight_max each.
[[nodiscard]] Bytes weighted_sum(std::span<const WeightedSlice> parts, std::size_t values);

/// Mean of the same parts, each value in 4 bytes, little endian. Floats: as a float32, by way of a
/// double (error: 2^-52 of the mean, and the rounding to float32). Grid: the nearest int32, halves
/// away from zero. What no member can have given, as liars may claim, ends at the form's range.
[[nodiscard]] Bytes weighted_mean(std::span<const WeightedSlice> parts, std::size_t values,
                                  ModelForm form);

}  // namespace starling::node
