#include "node/core/soundness.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

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

/// Without branches, so that many values are looked at in one instruction.
bool all_finite(std::span<const float> values) {
  constexpr std::uint32_t infinity_bits = 0x7F800000U;
  std::uint32_t largest = 0;
  for (const float value : values) {
    largest = std::max(largest, std::bit_cast<std::uint32_t>(value) & 0x7FFFFFFFU);
  }
  return largest < infinity_bits;
}

std::optional<std::size_t> first_not_finite(std::span<const float> parameters) {
  if (all_finite(parameters)) return std::nullopt;
  const auto found = std::ranges::find_if_not(parameters, [](float v) { return std::isfinite(v); });
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
  const auto at = first_not_finite(parameters);
  if (!at) return std::nullopt;
  return "training has diverged: after step " + std::to_string(step) + " " +
         name_of_parameter(*at, segments) + " is " + std::to_string(parameters[*at]) +
         ", expected a finite number" + advice;
}

std::optional<std::string> merge_fault(std::span<const float> parameters,
                                       const std::vector<Segment>& segments, Step steps) {
  const auto at = first_not_finite(parameters);
  if (!at) return std::nullopt;
  return "this node is left out of the merge: after " + std::to_string(steps) + " steps " +
         name_of_parameter(*at, segments) + " is " + std::to_string(parameters[*at]) +
         ", expected a finite number" + advice;
}

}  // namespace starling::node
