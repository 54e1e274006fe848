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

/// What is wrong with a step's mean loss, and what to do; nothing if it is finite.
[[nodiscard]] std::optional<std::string> loss_fault(double loss, Step step);

/// The first parameter that is not finite, by its segment; nothing if there is none.
[[nodiscard]] std::optional<std::string> divergence_fault(std::span<const float> parameters,
                                                          const std::vector<Segment>& segments,
                                                          Step step);

/// Why a model is nothing to give to a merge: the first parameter that is not finite, by its
/// segment; nothing if there is none. Magnitudes have no bound.
[[nodiscard]] std::optional<std::string> merge_fault(std::span<const float> parameters,
                                                     const std::vector<Segment>& segments,
                                                     Step steps);

}  // namespace starling::node
