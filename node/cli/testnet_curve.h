#pragma once
// How good the mean of all nodes' models was in the course of a testnet: nodes keep their
// parameters at each evaluation, and afterwards they are averaged here.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "node/cli/run_record.h"
#include "node/cli/testnet_plan.h"
#include "starling/result.h"
#include "starling/task.h"

namespace starling::cli {

/// How many models each node has to keep for a curve. Error: they would take more of the disk than
/// is allowed, both numbers named.
[[nodiscard]] Result<std::uint32_t> models_kept_for_curve(const TestnetPlan& plan,
                                                          std::uint64_t parameters);

/// What one node has kept and told.
struct CurveSource {
  std::filesystem::path directory;
  std::span<const NodeSample> samples;
};

/// One point for each evaluation that a node has kept a model of: a model of step s belongs to
/// evaluation s / evaluate_every. evaluate_every: > 0. task: of any node, for its test data.
/// Error: a file that cannot be read.
[[nodiscard]] Result<std::vector<MeanPoint>> mean_curve(std::span<const CurveSource> nodes,
                                                        Step evaluate_every, Task& task);

/// "at 3.1 s 71.3 %, at 6.0 s 80.2 %"; empty without a point.
[[nodiscard]] std::string curve_text(std::span<const MeanPoint> curve);

}  // namespace starling::cli
