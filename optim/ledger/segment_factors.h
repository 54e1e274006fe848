#pragma once
// The recipe's votes.segment_factors: how long directions are in the segments of a model, by name.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "optim/recipe.h"
#include "starling/result.h"

namespace starling::optim {

/// Our guess: weights and biases of the built-in tasks differ by less. A factor counts twice, in
/// the probe and in the step, so this one makes a segment a million times quicker.
inline constexpr std::uint32_t segment_factor_max = 1024;

struct SegmentFactor {
  std::string pattern;  ///< A segment's name; * stands for any characters.
  /// A power of two up to segment_factor_max, or 0: the segment is frozen.
  std::uint32_t factor = 1;
};

/// text: "layers.0.*=0, *.bias=4", or empty.
/// Error: invalid_input naming the item that is not PATTERN=FACTOR.
[[nodiscard]] Result<std::vector<SegmentFactor>> parse_segment_factors(std::string_view text);

/// A pattern without * matches its own text only.
[[nodiscard]] bool matches_pattern(std::string_view pattern, std::string_view name);

}  // namespace starling::optim
