#pragma once
// Where the scalars of votes come from: loss differences, which every task can give, or derivatives
// where the task can give those (docs/adr/0012-oracles.md).

#include <vector>

#include "optim/recipe.h"
#include "optim/vote_replica.h"
#include "starling/result.h"
#include "starling/task.h"

namespace starling::node {

struct Measurement {
  std::vector<double> scalars;  ///< The loss's derivative along each probe's direction.
  double loss = 0;              ///< Mean over the batch, at or around the replica.
};

/// Error: the recipe asks for derivatives and the task has neither gradient nor derivatives.
[[nodiscard]] Result<void> check_oracle(const optim::Recipe& recipe, const Task& task);

struct Question {
  optim::VoteOracle oracle = optim::VoteOracle::difference;
  optim::ProbeRange probes;
  BatchKey batch;
};

/// Measures at the replica, which is the same afterwards.
[[nodiscard]] Measurement measure(const Question& question, optim::VoteReplica& replica,
                                  Task& task);

}  // namespace starling::node
