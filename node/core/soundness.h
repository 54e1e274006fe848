#pragma once
// Whether a model is still one: training that diverges ends in infinities, and no mean, merge or
// evaluation of those is worth anything.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "starling/ids.h"
#include "starling/task.h"

namespace starling::node {

/// Largest magnitude that a merge can hold: 2^31 units of the grid (fixed_point.h).
inline constexpr double merge_magnitude_max = 128;

/// What is wrong with a step's mean loss, and what to do; nothing if it is finite.
[[nodiscard]] std::optional<std::string> loss_fault(double loss, Step step);

/// The first parameter that is not finite, by its segment; nothing if there is none.
[[nodiscard]] std::optional<std::string> divergence_fault(std::span<const float> parameters,
                                                          const std::vector<Segment>& segments,
                                                          Step step);

/// The first parameter that a merge cannot hold; nothing if there is none.
[[nodiscard]] std::optional<std::string> merge_fault(std::span<const float> parameters,
                                                     const std::vector<Segment>& segments);

}  // namespace starling::node
