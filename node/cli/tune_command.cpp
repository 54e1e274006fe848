// starling tune: the votes' probe size and step size for a task, found before a run.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "model/tasks.h"
#include "node/cli/command.h"
#include "node/run_description.h"
#include "optim/vote_tuning.h"

namespace starling::cli {
namespace {

class TuneCommand final : public Command {
 public:
  std::string_view name() const override { return "tune"; }
  std::string_view summary() const override {
    return "Find the step size and probe size of a recipe that votes";
  }

  void add_options(CLI::App& app) override {
    app.add_option("--recipe", recipe_, "A built-in recipe or a TOML file")->capture_default_str();
    app.add_option("--task", task_, "As of `starling testnet`")->capture_default_str();
    app.add_option("--data", data_, "Where the task's data lies (default: its usual place)");
    app.add_option("--nodes", nodes_, "Voters that the run will have")
        ->check(CLI::Range(1U, 1000U))
        ->capture_default_str();
    app.add_option("--steps", steps_, "Of each trial; a tenth of the run's are enough")
        ->check(CLI::Range(1U, 1000000U))
        ->capture_default_str();
    app.add_option("--seed", seed_, "Of starting point and batches")->capture_default_str();
    app.add_flag("--json", as_json_, "Print one JSON object");
    app.footer("Example:\n  starling tune --recipe votes --task fashion-mnist-softmax");
  }

  Result<void> run() override {
    const auto recipe = find_recipe(recipe_);
    if (!recipe) return std::unexpected(recipe.error());
    if (recipe->as_ledger() == nullptr) {
      return invalid_input("recipe '" + recipe->name + "' does not vote; expected one that does");
    }
    model::TaskOptions options;
    options.data.path = data_;
    options.shard.seed = seed_;
    auto task = model::make_task(task_, options);
    if (!task) return std::unexpected(task.error());
    std::vector<float> start((*task)->parameter_count());
    (*task)->initialize(start, seed_);
    auto movement = optim::Movement::create(recipe->ledger(), start.size(), (*task)->segments());
    if (!movement) return std::unexpected(movement.error());
    print(optim::tune_votes({recipe->ledger(), std::move(*movement), nodes_, steps_}, start,
                            [&](std::span<const float> at, std::uint32_t node, Step step) {
                              return (*task)->loss(
                                  at, {.seed = seed_ + node, .step = step, .size = recipe->batch});
                            }));
    return {};
  }

 private:
  void print(const optim::VoteTuning& tuning) const {
    if (!as_json_) return print_text(tuning);
    nlohmann::ordered_json json = {{"probe_size", tuning.probe_size},
                                   {"step_size", tuning.step_size},
                                   {"loss_before", tuning.loss_before},
                                   {"trials", nlohmann::ordered_json::array()}};
    for (const optim::StepSizeTrial& trial : tuning.trials) {
      json["trials"].push_back({{"step_size", trial.step_size}, {"loss", trial.loss}});
    }
    std::printf("%s\n", json.dump().c_str());
  }

  void print_text(const optim::VoteTuning& tuning) const {
    std::printf("# %u steps of %u voters; loss before: %.4f\n", steps_, nodes_, tuning.loss_before);
    for (const optim::StepSizeTrial& trial : tuning.trials) {
      std::printf("# step_size %g: loss %.4f\n", trial.step_size, trial.loss);
    }
    std::printf("[votes]\nprobe_size = %.9g\nstep_size = %.9g\n", tuning.probe_size,
                tuning.step_size);
  }

  std::string recipe_ = "votes";
  std::string task_ = "fashion-mnist-softmax";
  std::string data_;
  std::uint32_t nodes_ = 8;
  std::uint32_t steps_ = 40;
  std::uint64_t seed_ = 1;
  bool as_json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_tune_command() {
  return std::make_unique<TuneCommand>();
}

}  // namespace starling::cli
