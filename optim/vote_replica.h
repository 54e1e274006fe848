#pragma once
// One node's replica under the votes recipe: an integer grid, a sum of votes (LEDGER.md). Replicas
// that applied the same set of votes hold the same bytes, on any machine.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "optim/ledger/direction.h"
#include "optim/ledger/grid.h"
#include "optim/ledger/ledger_machine.h"
#include "optim/ledger/movement.h"
#include "optim/ledger/moving_grid.h"
#include "optim/ledger/step_table.h"
#include "optim/ledger/vote_sum.h"
#include "optim/recipe.h"
#include "starling/ids.h"

namespace starling::optim {

/// The loss at `parameters` of one batch fixed by the caller.
using LossOracle = std::function<double(std::span<const float> parameters)>;

/// What every replica of a run has in common, beside the model.
struct VoteRun {
  LedgerRecipe rule;
  RunId id;
  Step steps_total = 0;
};

/// Probes [first, first + count) of `author` in a step.
struct ProbeRange {
  NodeId author;
  Step step = 0;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

class VoteReplica {
 public:
  /// parameters are rounded to the grid (unit 2^-24). run: all direction keys derive from it.
  /// The recipe: without segment_factors.
  VoteReplica(const Recipe& recipe, const RunId& run, std::span<const float> parameters,
              Step steps_total);
  /// As above, with factors for the segments of a task.
  VoteReplica(const VoteRun& run, Movement movement, std::span<const float> parameters);

  /// From now on; without it, the best kernels and the caller's thread alone.
  void compute_with(LedgerMachine machine) { machine_ = std::move(machine); }

  /// Measures the probes' central difference quotients, (f(w + e z) - f(w - e z)) / 2e, with f
  /// the loss and the recipe's weight decay. The model is unchanged afterwards, exactly. loss is
  /// called twice for each probe, in their order, first at w + e z.
  [[nodiscard]] std::vector<double> probe(const ProbeRange& probes, const LossOracle& loss);
  /// <z, gradient of f> for the probes' directions z: what those quotients tend to as e does to 0.
  /// gradient: of the loss at parameters(), length d.
  [[nodiscard]] std::vector<double> project(const ProbeRange& probes,
                                            std::span<const float> gradient) const;
  /// z of probe first + index. out: length d, overwritten.
  void write_direction(const ProbeRange& probes, std::size_t index, std::span<float> out) const;

  /// Between the two ends of a probe, in units of its direction: 2e.
  [[nodiscard]] double probe_distance() const { return 2.0 * double{from_grid(probe_size_)}; }

  /// Adds votes; the result depends only on the set of votes applied, not on order or grouping.
  void apply(std::span<const VoteSpan> votes);

  /// Length d, copied from the grid when it has changed. Valid until the next call of probe() or
  /// one that changes the model.
  [[nodiscard]] std::span<const float> parameters() const;
  [[nodiscard]] std::span<const std::int32_t> grid() const;
  void set_grid(std::span<const std::int32_t> grid);

  /// Mean loss over the points evaluated by the last probe(); 0 before the first.
  [[nodiscard]] double last_loss() const { return last_loss_; }

 private:
  using VotesByStep = std::map<Step, std::vector<VoteSpan>>;
  void apply_to_part(std::size_t part, const VotesByStep& steps);
  [[nodiscard]] std::vector<std::vector<Stretch>> pieces(std::size_t part) const;
  /// Calls work(piece) for each of the pieces, in parallel.
  void for_each_piece(std::span<const std::vector<Stretch>> pieces,
                      const std::function<void(const MovingGrid& piece)>& work);

  RunId run_;
  Movement movement_;
  Directions directions_;
  std::int32_t probe_size_;  ///< e, grid units
  double weight_decay_;
  StepTable step_table_;
  LedgerMachine machine_;
  std::vector<std::int32_t> grid_;
  mutable std::vector<float> parameters_;  ///< The compute copy, or a probe's point.
  mutable bool is_copied_ = false;         ///< parameters_ is the grid's copy.
  double last_loss_ = 0;
};

}  // namespace starling::optim
