#pragma once
// Which parameters the votes of a step move, and by which factors: frozen segments, layers of
// different magnitude, and steps that move a part of the model only.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "optim/ledger/stretch.h"
#include "optim/recipe.h"
#include "starling/ids.h"
#include "starling/result.h"
#include "starling/task.h"

namespace starling::optim {

class Movement {
 public:
  /// Every parameter moves alike, but for rule.parts.
  Movement(const LedgerRecipe& rule, std::size_t parameter_count);

  /// segments: Task::segments() of a model of parameter_count parameters; read only if the rule has
  /// segment_factors. Error: a pattern that matches no segment, segments that overlap or end beyond
  /// the model, or no parameter left to move.
  [[nodiscard]] static Result<Movement> create(const LedgerRecipe& rule,
                                               std::size_t parameter_count,
                                               std::span<const Segment> segments);

  /// Parameters that a step moves: the mean over a cycle of steps that moves each once.
  [[nodiscard]] double active_count() const;
  /// B: rows enough for the step that moves most, and no more than the recipe's.
  [[nodiscard]] std::uint32_t rows() const;
  /// The part of the model that the votes of a step move.
  [[nodiscard]] std::size_t part(Step step) const { return step % parts_; }
  /// What belongs to a part: in the model's order, without gaps in `first`.
  [[nodiscard]] std::vector<Stretch> stretches(std::size_t part) const;

 private:
  Movement(const LedgerRecipe& rule, std::vector<Stretch> moving);

  std::vector<Stretch> moving_;  ///< Everything that is not frozen.
  std::size_t moving_count_;
  std::size_t parts_;  ///< A cycle of steps; at most the number of blocks.
  std::uint32_t rows_max_;
};

}  // namespace starling::optim
