#pragma once
// Finds votes.probe_size and votes.step_size for a model before a run, so that nobody has to guess:
// the owner of a run tries them on data of their own and writes them into the recipe.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "optim/ledger/movement.h"
#include "optim/recipe.h"
#include "starling/ids.h"

namespace starling::optim {

struct TuningOptions {
  LedgerRecipe rule;
  Movement movement;
  std::uint32_t nodes = 8;  ///< Voters of a step.
  Step steps = 0;           ///< Of one trial, at least 1.
};

/// The loss of the batch that voter `node` would draw in `step`.
using BatchLoss =
    std::function<double(std::span<const float> parameters, std::uint32_t node, Step step)>;

struct StepSizeTrial {
  double step_size = 0;
  double loss = 0;  ///< Afterwards, on batches that were not voted on; infinite if it diverged.
};

struct VoteTuning {
  double probe_size = 0;
  double step_size = 0;
  double loss_before = 0;
  std::vector<StepSizeTrial> trials = {};  ///< In ascending order of the step size.
};

/// Deterministic: the same options, start and loss give the same result.
[[nodiscard]] VoteTuning tune_votes(const TuningOptions& options, std::span<const float> start,
                                    const BatchLoss& loss);

}  // namespace starling::optim
