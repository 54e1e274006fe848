#pragma once
// The run's integer schedule: how far a vote of scalar 1 moves each parameter at a given step.

#include <cstdint>

#include "optim/recipe.h"
#include "starling/ids.h"

namespace starling::optim {

/// A function of the step alone, so it commutes with the order and the number of votes. Equal on
/// every machine: computed with IEEE additions, multiplications and divisions only.
class StepTable {
 public:
  /// One vote of scalar s moves the model by step_size / d * s * z. A sum of k votes is then the
  /// step k / d times the mean, which for k << d is the best multiple of an SGD step of the same
  /// step_size, k / (d + k - 1) (LEARNING.md C14); step_size carries over between models.
  /// active_count: d, the parameters that a step moves (Movement).
  StepTable(const LedgerRecipe& rule, double active_count, Step steps_total);

  /// Grid units for a scalar of one `scale`, in fixed point: vote_step's unit_step.
  [[nodiscard]] std::uint64_t unit_step(Step step) const;

 private:
  LedgerRecipe rule_;
  double first_;  ///< unit_step before the schedule
  Step steps_total_;
};

}  // namespace starling::optim
