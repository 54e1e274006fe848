#pragma once
// The computation of one node: a task, and the replica that a recipe trains on it. No peers, no
// time, no I/O. The compute pool and the simulator call run() with one job after another.

#include <memory>
#include <span>
#include <variant>

#include "node/core/learner_job.h"
#include "optim/recipe.h"
#include "optim/replica.h"
#include "optim/vote_replica.h"
#include "starling/result.h"
#include "starling/task.h"

namespace starling::node {

class Learner {
 public:
  struct Options {
    optim::Recipe recipe;
    RunId run;
    NodeId self;
    Step steps_total = 0;          ///< Schedules are functions of step / steps_total.
    std::uint64_t model_seed = 0;  ///< The same on all nodes: the common starting point.
    std::uint64_t data_seed = 0;   ///< This node's own batches.
  };

  /// `task` is owned by the learner from here on. Error: the recipe needs something the task lacks.
  [[nodiscard]] static Result<Learner> create(Options options, std::unique_ptr<Task> task);

  /// Never throws: an exception of the task becomes LearnerFailed.
  [[nodiscard]] LearnerResult run(const LearnerJob& job);

  [[nodiscard]] std::span<const float> parameters() const;
  [[nodiscard]] const Task& task() const { return *task_; }

 private:
  Learner(Options options, std::unique_ptr<Task> task);

  Options options_;
  std::unique_ptr<Task> task_;
  std::variant<optim::Replica, optim::VoteReplica> replica_;
};

}  // namespace starling::node
