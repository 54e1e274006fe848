#include "node/core/vote_oracle.h"

#include <cstddef>

namespace starling::node {
namespace {

Measurement differences(const Question& question, optim::VoteReplica& replica, Task& task) {
  Measurement measured;
  measured.scalars = replica.probe(
      question.probes, [&](std::span<const float> at) { return task.loss(at, question.batch); });
  measured.loss = replica.last_loss();
  return measured;
}

/// One gradient gives all scalars: cheaper than forward mode from the second probe on.
Measurement project_gradient(const Question& question, const optim::VoteReplica& replica,
                             Task& task) {
  std::vector<float> gradient(replica.parameters().size());
  const double loss = task.gradient(replica.parameters(), question.batch, gradient);
  return {replica.project(question.probes, gradient), loss};
}

Measurement forward_derivatives(const Question& question, const optim::VoteReplica& replica,
                                Task& task) {
  Measurement measured;
  measured.scalars.resize(question.probes.count);
  measured.loss = task.derivatives(
      replica.parameters(), question.batch,
      [&](std::size_t index, std::span<float> out) {
        replica.write_direction(question.probes, index, out);
      },
      measured.scalars);
  // The task knows nothing of the recipe's weight decay, which is all that is left without a loss.
  const std::vector<float> no_loss(replica.parameters().size());
  const std::vector<double> decay = replica.project(question.probes, no_loss);
  for (std::size_t i = 0; i < decay.size(); ++i) measured.scalars[i] += decay[i];
  return measured;
}

}  // namespace

Result<void> check_oracle(const optim::Recipe& recipe, const Task& task) {
  const bool is_exact =
      recipe.as_ledger() != nullptr && recipe.ledger().oracle == optim::VoteOracle::derivative;
  if (!is_exact || task.has_gradient() || task.has_derivatives()) return {};
  return invalid_input("recipe '" + recipe.name +
                       "' has votes.oracle 'derivative' and the task offers neither a gradient nor "
                       "derivatives; use 'difference'");
}

Measurement measure(const Question& question, optim::VoteReplica& replica, Task& task) {
  if (question.oracle == optim::VoteOracle::difference) {
    return differences(question, replica, task);
  }
  return task.has_gradient() ? project_gradient(question, replica, task)
                             : forward_derivatives(question, replica, task);
}

}  // namespace starling::node
