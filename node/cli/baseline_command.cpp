// starling baseline: central training on all of the data, for comparison. Started by `testnet`.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <variant>

#include "model/tasks.h"
#include "node/cli/command.h"
#include "node/cli/testnet_baseline.h"
#include "node/core/learner.h"
#include "node/invitation.h"
#include "node/start_model.h"

namespace starling::cli {
namespace {

class BaselineCommand final : public Command {
 public:
  std::string_view name() const override { return "baseline"; }
  std::string_view summary() const override { return "Train a run's task centrally"; }

  void add_options(CLI::App& app) override {
    app.group("");  // a part of testnet, not listed
    app.add_option("DIR", directory_, "A node of the run to compare with")->required();
    app.add_option("--data", data_, "Where the data lies (default: the task's usual place)");
    app.add_option("--from", start_file_, "The model that the run starts from");
    app.add_option("--step-size", step_size_, "Of the inner rule")->required();
  }

  Result<void> run() override {
    const auto invitation = kept_invitation(directory_);
    if (!invitation) return std::unexpected(invitation.error());
    const RunDescription& run = invitation->run;
    model::TaskOptions options = task_options(run);
    options.data.path = data_;
    auto task = model::make_task(run.task, options);
    if (!task) return std::unexpected(task.error());
    auto model = find_start_model(run, start_file_);
    if (!model) return std::unexpected(model.error());
    auto start = starting_parameters(run, std::move(*model), **task);
    if (!start) return std::unexpected(start.error());
    const optim::Recipe recipe = central_recipe(run.recipe, run.nodes, step_size_);
    auto learner = node::Learner::create({.recipe = recipe,
                                          .run = invitation->ticket.run,
                                          .self = {},
                                          .steps_total = run.steps,
                                          .model_seed = run.seed,
                                          .data_seed = run.seed,
                                          .start = std::move(*start),
                                          .task_name = run.task},
                                         std::move(*task));
    if (!learner) return std::unexpected(learner.error());
    return train(*learner, run, recipe.batch);
  }

 private:
  /// A line for each evaluation. If the parent has gone, writing one ends this process (SIGPIPE).
  static Result<void> train(node::Learner& learner, const RunDescription& run,
                            std::uint32_t batch) {
    const Step interval = run.evaluate_every == 0 ? run.steps : run.evaluate_every;
    for (Step step = 0; step < run.steps;) {
      const Step count = std::min<Step>(interval, run.steps - step);
      const auto trained = learner.run(node::TrainJob{step, static_cast<std::uint32_t>(count)});
      if (const auto* failed = std::get_if<node::LearnerFailed>(&trained)) {
        return failure(failed->message);
      }
      step += count;
      print_quality(learner.run(node::EvaluateJob{step}), step * batch);
    }
    return {};
  }

  static void print_quality(const node::LearnerResult& result, std::uint64_t samples) {
    const auto* done = std::get_if<node::EvaluateDone>(&result);
    if (done == nullptr || !done->evaluation) return;
    const nlohmann::ordered_json line = {{"samples", samples},
                                         {"loss", done->evaluation->loss},
                                         {"accuracy", done->evaluation->accuracy}};
    std::printf("%s\n", line.dump().c_str());
    std::fflush(stdout);
  }

  std::string directory_;
  std::string data_;
  std::string start_file_;
  double step_size_ = 0;
};

}  // namespace

std::unique_ptr<Command> make_baseline_command() {
  return std::make_unique<BaselineCommand>();
}

}  // namespace starling::cli
