#include "node/core/soundness.h"

#include <algorithm>
#include <cmath>

namespace starling::node {

namespace {

const std::string advice =
    ". What was saved before is kept; start a run with a smaller step size (step_size of the "
    "recipe), or with data whose columns are about as large as 1";

/// "layers.0.weight[7]".
std::string name_of_parameter(std::size_t index, const std::vector<Segment>& segments) {
  for (const Segment& segment : segments) {
    const bool is_inside = index >= segment.offset && index - segment.offset < segment.length();
    if (is_inside) return segment.name + "[" + std::to_string(index - segment.offset) + "]";
  }
  return "parameter " + std::to_string(index);
}

template <class Sound>
std::optional<std::size_t> first_unsound(std::span<const float> parameters, Sound is_sound) {
  const auto found = std::ranges::find_if_not(parameters, is_sound);
  if (found == parameters.end()) return std::nullopt;
  return static_cast<std::size_t>(found - parameters.begin());
}

}  // namespace

std::optional<std::string> loss_fault(double loss, Step step) {
  if (std::isfinite(loss)) return std::nullopt;
  return "training has diverged: the loss of step " + std::to_string(step) + " is " +
         std::to_string(loss) + ", expected a finite number" + advice;
}

std::optional<std::string> divergence_fault(std::span<const float> parameters,
                                            const std::vector<Segment>& segments, Step step) {
  const auto at = first_unsound(parameters, [](float value) { return std::isfinite(value); });
  if (!at) return std::nullopt;
  return "training has diverged: after step " + std::to_string(step) + " " +
         name_of_parameter(*at, segments) + " is " + std::to_string(parameters[*at]) +
         ", expected a finite number" + advice;
}

std::optional<std::string> merge_fault(std::span<const float> parameters,
                                       const std::vector<Segment>& segments) {
  const auto at = first_unsound(parameters, [](float value) {
    return std::abs(static_cast<double>(value)) <= merge_magnitude_max;
  });
  if (!at) return std::nullopt;
  return name_of_parameter(*at, segments) + " is " + std::to_string(parameters[*at]) +
         ", and a merge holds magnitudes up to " +
         std::to_string(static_cast<int>(merge_magnitude_max)) +
         ": this node has nothing to contribute. Start a run with data whose columns are about as "
         "large as 1";
}

}  // namespace starling::node
