#pragma once
// The central baseline of a testnet: one process that holds all of the data trains the same model
// on as many samples, with the step size that suits it best.

#include <span>
#include <string>
#include <vector>

#include "node/cli/run_record.h"
#include "node/cli/testnet_plan.h"
#include "starling/result.h"

namespace starling::cli {

struct CentralResult {
  double step_size = 0;
  std::vector<BaselinePoint> curve;
  double accuracy = 0;  ///< At the end.
};

/// What every central attempt trains: the recipe's inner rule with `step_size` and nothing of what
/// crosses links. batch: of all nodes together. Votes have no inner rule: plain SGD under the
/// votes' schedule.
[[nodiscard]] optim::Recipe central_recipe(const optim::Recipe& recipe, std::uint32_t nodes,
                                           double step_size);

/// The step sizes to try: the recipe's own and larger ones, which the larger batch may bear.
[[nodiscard]] std::vector<double> central_step_sizes(const optim::Recipe& recipe);

/// Runs `starling baseline` for every step size, two at a time. Returns the best at the end.
/// Error: one failed, or Ctrl-C.
[[nodiscard]] Result<CentralResult> run_baseline(const TestnetPlan& plan,
                                                 const std::filesystem::path& node);

}  // namespace starling::cli
