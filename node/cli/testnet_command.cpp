// starling testnet: a whole swarm of processes on this machine, and what came out.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "model/tasks.h"
#include "node/cli/command.h"
#include "node/cli/testnet_baseline.h"
#include "node/cli/testnet_curve.h"
#include "node/cli/testnet_plan.h"
#include "node/cli/testnet_result.h"
#include "node/cli/testnet_swarm.h"
#include "node/cli/testnet_table.h"
#include "node/runtime/platform.h"
#include "node/start_model.h"

namespace starling::cli {
namespace {

// Loopback answers within a millisecond; a quarter leaves room for more processes than cores.
constexpr double loopback_interval_scale = 0.25;
// Enough for a curve; each evaluation costs about as much as 15 steps on Fashion-MNIST.
constexpr std::uint32_t evaluations = 10;

class TestnetCommand final : public Command {
 public:
  std::string_view name() const override { return "testnet"; }
  std::string_view summary() const override {
    return "Run a swarm of processes on this machine and compare it with central training";
  }
  void add_options(CLI::App& app) override;
  Result<void> run() override;

 private:
  void add_experiment_options(CLI::App& app);
  Result<TestnetPlan> make_plan() const;
  Result<RunDescription> describe_run() const;
  [[nodiscard]] std::string choose_skew(const optim::Recipe& recipe) const;
  Result<std::filesystem::path> choose_folder(const RunDescription& run) const;
  Result<RunRecord> perform(const TestnetPlan& plan, const TaskFacts& task);
  [[nodiscard]] std::FILE* progress_output() const { return as_json_ ? stderr : stdout; }

  std::uint32_t nodes_ = 8;
  std::string recipe_ = "gossip";
  std::string task_;
  std::uint32_t steps_ = 0;
  std::uint32_t batch_ = 0;
  std::string topology_ = "overlay";
  std::string skew_;
  std::uint64_t seed_ = 1;
  std::string kill_;
  std::string join_;
  std::string catch_up_ = "auto";
  std::string data_;
  std::string start_file_;
  std::string shift_ = "none";
  std::string folder_;
  bool as_json_ = false;
  bool is_quiet_ = false;
  bool keeps_nodes_ = false;
  bool has_baseline_ = true;
};

void TestnetCommand::add_options(CLI::App& app) {
  app.add_option("--nodes", nodes_, "Processes at the start")
      ->check(CLI::Range(2, 100))
      ->capture_default_str();
  app.add_option("--recipe", recipe_, "A built-in recipe or a TOML file")->capture_default_str();
  std::string tasks = "What is trained (default: fashion-mnist; for votes fashion-mnist-softmax):";
  for (const model::TaskDescription& task : model::describe_tasks()) {
    tasks += "\n" + std::string(task.name) + ": " + std::string(task.summary);
  }
  app.add_option("--task", task_, tasks);
  app.add_option("--data", data_, "Where the task's data lies (default: its usual place)");
  app.add_option("--steps", steps_, "Local steps of each node (default: by the recipe)")
      ->check(CLI::Range(1U, 1000000000U));
  app.add_option("--batch", batch_, "Samples of one local step (default: the recipe's)")
      ->check(CLI::Range(1U, 1000000U));
  app.add_option("--seed", seed_, "Of nodes' keys, shards, starting point")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{9007199254740991}))
      ->capture_default_str();
  app.add_option("--out", folder_, "Run folder, new or empty (default: runs/RECIPE-TASK-SEED)");
  app.add_flag("--keep", keeps_nodes_, "Keep the nodes' own directories in the run folder");
  app.add_flag("--json", as_json_, "Print one JSON object as the last line; progress to stderr");
  app.add_flag("--quiet", is_quiet_, "No progress");
  add_experiment_options(app);
  app.footer(
      "With --json, accuracy_nodes_mean and consensus_distance are of the nodes' own models as "
      "the\n"
      "merged one replaces them. curve has, for each evaluation in the course of the run: step,\n"
      "time_s (when the last node was there), bytes_sent, nodes, accuracy_nodes_mean,\n"
      "accuracy_mean_model (of the mean of the nodes' models) and consensus_distance.\n"
      "Example:\n"
      "  starling testnet --nodes 8 --recipe gossip --task fashion-mnist --kill 2@500");
}

void TestnetCommand::add_experiment_options(CLI::App& app) {
  app.add_option("--topology", topology_, "overlay, ring, grid, exponential or full")
      ->capture_default_str();
  app.add_option("--skew", skew_,
                 "How the data is divided: iid, dirichlet:ALPHA or labels:K (default: "
                 "dirichlet:0.1; for votes along own directions iid)");
  app.add_option("--from", start_file_,
                 "Start from this model (.safetensors), such as an earlier run's");
  app.add_option("--shift", shift_,
                 "Change a share of the images, training and test alike: invert:SHARE or "
                 "rotate90:SHARE")
      ->capture_default_str();
  app.add_option("--kill", kill_,
                 "K@STEP: kill the last K processes when the median node reaches STEP");
  app.add_option("--join", join_,
                 "K@STEP: start K more processes then. The data is cut into one part more for "
                 "each, which nobody has before");
  app.add_option("--catch-up", catch_up_,
                 "How joiners of a voting run get the votes they missed: auto, replay or snapshot")
      ->capture_default_str();
  app.add_flag(
      "--baseline,!--no-baseline", has_baseline_,
      "Central training afterwards, for comparison, if the task has a gradient (default: yes)");
}

Result<RunDescription> TestnetCommand::describe_run() const {
  auto recipe = find_recipe(recipe_);
  if (!recipe) return std::unexpected(recipe.error());
  if (batch_ > 0) recipe->batch = batch_;
  const bool is_votes = recipe->as_ledger() != nullptr;
  RunDescription run;
  run.task = !task_.empty() ? task_ : is_votes ? "fashion-mnist-softmax" : "fashion-mnist";
  run.name = recipe->name + "-" + run.task + "-" + std::to_string(seed_);
  run.steps = steps_ > 0 ? steps_ : default_steps(*recipe);
  run.recipe = std::move(*recipe);
  run.nodes = nodes_;
  run.seed = seed_;
  run.evaluate_every = (run.steps + evaluations - 1) / evaluations;
  const auto shift = model::parse_shift_rule(shift_);
  if (!shift) return invalid_input("--" + shift.error().message);
  run.shift = *shift;
  if (!start_file_.empty()) {
    const auto start = read_start_model(start_file_);
    if (!start) return std::unexpected(start.error());
    run.start = start->digest.hex();
  }
  // A swarm of an hour needs no checkpoints of its own; under votes joiners are given them.
  run.checkpoint_every = is_votes ? run.evaluate_every : 0;
  run.interval_scale = loopback_interval_scale;
  return run;
}

/// Under skewed labels each node's votes along directions of its own carry its bias as noise
/// (docs/LEDGER.md).
std::string TestnetCommand::choose_skew(const optim::Recipe& recipe) const {
  if (!skew_.empty()) return skew_;
  const optim::LedgerRecipe* ledger = recipe.as_ledger();
  const bool has_noise_of_skew = ledger != nullptr && ledger->directions == optim::Directions::own;
  return has_noise_of_skew ? "iid" : "dirichlet:0.1";
}

/// A run never mixes with an earlier one's files.
Result<std::filesystem::path> TestnetCommand::choose_folder(const RunDescription& run) const {
  namespace fs = std::filesystem;
  std::error_code problem;
  if (!folder_.empty()) {
    if (fs::exists(folder_, problem) && !fs::is_empty(folder_, problem)) {
      return invalid_input("--out is " + folder_ + ", which is not empty; expected a new folder");
    }
    return fs::path(folder_);
  }
  fs::path folder = fs::path("runs") / run.name;
  for (int i = 2; fs::exists(folder, problem); ++i) {
    folder = fs::path("runs") / (run.name + "." + std::to_string(i));
  }
  return folder;
}

Result<TestnetPlan> TestnetCommand::make_plan() const {
  auto run = describe_run();
  if (!run) return std::unexpected(run.error());
  const auto topology = parse_topology(topology_);
  if (!topology) return std::unexpected(topology.error());
  const std::string skew = choose_skew(run->recipe);
  TestnetPlan plan{.run = std::move(*run),
                   .topology = *topology,
                   .topology_name = topology_,
                   .skew = skew,
                   .data = data_,
                   .start_file = start_file_};
  for (const auto& [option, text, change] :
       {std::tuple{"--kill", &kill_, &plan.kill}, std::tuple{"--join", &join_, &plan.join}}) {
    if (text->empty()) continue;
    const auto parsed = parse_swarm_change(option, *text);
    if (!parsed) return std::unexpected(parsed.error());
    *change = *parsed;
  }
  plan.catch_up = catch_up_;
  auto folder = choose_folder(plan.run);
  if (!folder) return std::unexpected(folder.error());
  plan.folder = std::move(*folder);
  return plan;
}

/// The swarm, then the baseline: neither takes the other's time.
Result<RunRecord> TestnetCommand::perform(const TestnetPlan& plan, const TaskFacts& task) {
  const Instant begin = runtime::monotonic_now();
  Swarm swarm(plan);
  if (auto started = swarm.start(); !started) return std::unexpected(started.error());
  LiveTable table(progress_output(), plan.run.steps);
  const auto ended = swarm.run([&] {
    if (!is_quiet_) table.show(swarm.nodes());
  });
  if (!is_quiet_) table.finish(swarm.nodes());
  if (!ended) return std::unexpected(ended.error());
  auto record = make_record(plan, swarm, task.parameters);
  if (!record) return record;
  if (auto drawn = add_curve(plan, swarm, *record); !drawn) return std::unexpected(drawn.error());
  record->swarm_s = to_seconds(runtime::monotonic_now() - begin);
  if (has_baseline_ && task.has_gradient) {
    if (!is_quiet_) std::fprintf(progress_output(), "central baseline ...\n");
    auto central = run_baseline(plan, swarm.directory_of(0));
    if (!central) return std::unexpected(central.error());
    record->baseline = std::move(central->curve);
    record->baseline_step_size = central->step_size;
    record->accuracy_central = central->accuracy;
  }
  record->wall_s = to_seconds(runtime::monotonic_now() - begin);
  if (auto written = write_run_folder(plan, swarm, *record); !written) {
    return std::unexpected(written.error());
  }
  for (std::size_t node = 0; !keeps_nodes_ && node < swarm.nodes().size(); ++node) {
    std::error_code ignored;  // what cannot be removed does no harm
    std::filesystem::remove_all(swarm.directory_of(node), ignored);
  }
  return record;
}

Result<void> TestnetCommand::run() {
  auto plan = make_plan();
  if (!plan) return std::unexpected(plan.error());
  const auto task = check_plan(*plan);
  if (!task) return std::unexpected(task.error());
  if (const auto models = models_kept_for_curve(*plan, task->parameters)) {
    plan->models_kept = *models;
  } else {
    std::fprintf(stderr, "%s\n", models.error().message.c_str());
  }
  const auto record = perform(*plan, *task);
  if (!record) return std::unexpected(record.error());
  if (as_json_) {
    std::printf("%s\n", result_json(*record).c_str());
  } else {
    std::printf("%srun folder  %s\n", result_text(*record).c_str(), plan->folder.c_str());
  }
  return {};
}

}  // namespace

std::unique_ptr<Command> make_testnet_command() {
  return std::make_unique<TestnetCommand>();
}

}  // namespace starling::cli
