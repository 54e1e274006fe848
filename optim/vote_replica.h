#pragma once
// One node's replica under the votes recipe: an integer grid, a sum of votes (LEDGER.md).

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "optim/recipe.h"
#include "starling/ids.h"
#include "starling/result.h"

namespace starling::optim {

/// The loss at `parameters` of one batch fixed by the caller.
using LossOracle = std::function<double(std::span<const float> parameters)>;

/// k one-byte votes of one author: probe first_probe + i has code codes[i].
struct VoteSpan {
  NodeId author;
  Step step = 0;
  std::uint32_t first_probe = 0;
  ByteSpan codes;
};

class VoteReplica {
 public:
  /// parameters are rounded to the grid (unit 2^-24). run: all direction keys derive from it.
  VoteReplica(const Recipe& recipe, const RunId& run, std::span<const float> parameters,
              Step steps_total);

  /// Evaluates probes [first, first + count) of `step` along directions of `self`; one byte each.
  /// The model is unchanged afterwards, exactly.
  [[nodiscard]] Bytes probe(const NodeId& self, Step step, std::uint32_t first, std::uint32_t count,
                            const LossOracle& loss);

  /// Adds votes; the result depends only on the set of votes applied, not on order or grouping.
  void apply(std::span<const VoteSpan> votes);

  [[nodiscard]] std::span<const float> parameters() const;
  [[nodiscard]] std::span<const std::int32_t> grid() const;
  void set_grid(std::span<const std::int32_t> grid);
  [[nodiscard]] double last_loss() const;

  [[nodiscard]] Bytes save() const;
  [[nodiscard]] Result<void> load(ByteSpan state);

 private:
  Recipe recipe_;
  RunId run_;
  Step steps_total_ = 0;
  std::vector<std::int32_t> grid_;
  std::vector<float> parameters_;
  double last_loss_ = 0;
};

}  // namespace starling::optim
