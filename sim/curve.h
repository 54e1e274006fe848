#pragma once
// How good the nodes' models are at one moment of a run, each by itself and their mean.

#include <cstdint>
#include <span>

#include "sim/sim_node.h"
#include "starling/instant.h"

namespace starling::sim {

/// Of the running nodes' settled models, at `now`. Looks only: the nodes do not notice. NaN where
/// there is none, or the task has no such figure.
[[nodiscard]] CurvePoint look_at_models(std::span<SimNode> nodes, Instant now);

}  // namespace starling::sim
