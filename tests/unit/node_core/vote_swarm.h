#pragma once
// Nodes that vote on one task in lockstep, without a network: every vote of a step is applied by
// all before the next.

#include <variant>
#include <vector>

#include "node/core/learner.h"
#include "starling/check.h"

namespace starling::node::test {

class VoteSwarm {
 public:
  /// start: the common starting point; empty: the task's own. make_task: of each node's own share.
  template <class MakeTask>
  VoteSwarm(const optim::Recipe& recipe, std::uint32_t nodes, Step steps, const MakeTask& make_task,
            const std::vector<float>& start = {})
      : probes_(recipe.ledger().probes), steps_(steps) {
    for (std::uint32_t node = 0; node < nodes; ++node) {
      NodeId id;
      id.bytes[0] = static_cast<std::uint8_t>(node + 1);
      ids_.push_back(id);
      auto learner = Learner::create({.recipe = recipe,
                                      .run = {},
                                      .self = id,
                                      .steps_total = steps,
                                      .model_seed = 1,
                                      .data_seed = node,
                                      .start = start},
                                     make_task(node));
      STARLING_CHECK(learner.has_value());
      learners_.push_back(std::move(*learner));
    }
  }

  /// The votes of one step, cast by every node on the same replica.
  [[nodiscard]] std::vector<VoteBatch> probe(Step step) {
    std::vector<VoteBatch> votes;
    for (std::size_t node = 0; node < learners_.size(); ++node) {
      auto result = learners_[node].run(ProbeJob{step, 0, probes_});
      auto& done = std::get<ProbeDone>(result);
      votes.push_back({ids_[node], step, 0, std::move(done.codes)});
    }
    return votes;
  }

  void train() {
    for (Step step = 0; step < steps_; ++step) {
      const std::vector<VoteBatch> votes = probe(step);
      for (Learner& learner : learners_) static_cast<void>(learner.run(ApplyVotesJob{votes}));
    }
  }

  [[nodiscard]] Evaluation quality() {
    auto result = learners_.front().run(EvaluateJob{steps_});
    return *std::get<EvaluateDone>(result).evaluation;
  }

 private:
  std::uint32_t probes_;
  Step steps_;
  std::vector<NodeId> ids_;
  std::vector<Learner> learners_;
};

}  // namespace starling::node::test
