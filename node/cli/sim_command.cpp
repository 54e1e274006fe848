// starling sim FILE: a run in virtual time, with its laws checked.

#include <CLI/CLI.hpp>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "model/tasks.h"
#include "node/cli/command.h"
#include "node/cli/terminal.h"
#include "node/core/memory_need.h"
#include "node/runtime/file.h"
#include "node/runtime/platform.h"
#include "sim/simulation.h"

namespace starling::cli {

namespace {

/// JSON has no NaN: a figure that a task does not have is null.
nlohmann::ordered_json number_or_null(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
}

nlohmann::ordered_json json_of(const sim::Violation& violation) {
  nlohmann::ordered_json json;
  json["at_s"] = to_seconds(violation.at.since_start);
  json["node"] =
      violation.node ? nlohmann::ordered_json(*violation.node) : nlohmann::ordered_json();
  json["text"] = violation.text;
  return json;
}

/// Kinds that were sent at all.
nlohmann::ordered_json json_of(const sim::TrafficByKind& traffic) {
  auto json = nlohmann::ordered_json::object();
  for (std::size_t kind = 0; kind < traffic.size(); ++kind) {
    if (traffic[kind].messages == 0) continue;
    json[std::string(sim::message_names[kind])] = {{"messages", traffic[kind].messages},
                                                   {"bytes", traffic[kind].bytes}};
  }
  return json;
}

nlohmann::ordered_json json_of(const sim::Report& report, double wall_s) {
  nlohmann::ordered_json json;
  json["seed"] = report.seed;
  json["nodes"] = report.nodes;
  json["events"] = report.events;
  json["virtual_s"] = report.virtual_s;
  json["wall_s"] = wall_s;
  json["trace_hash"] = report.trace_hash;
  json["accuracy_nodes_mean"] = number_or_null(report.accuracy_nodes_mean);
  json["accuracy_merged"] = number_or_null(report.accuracy_merged);
  json["bytes_sent"] = report.bytes_sent;
  json["traffic"] = json_of(report.traffic);
  json["curve"] = nlohmann::ordered_json::array();
  for (const sim::CurvePoint& point : report.curve) {
    json["curve"].push_back({{"at_s", to_seconds(point.at.since_start)},
                             {"bytes_sent", point.bytes_sent},
                             {"nodes", point.nodes},
                             {"accuracy_mean", number_or_null(point.accuracy_mean)},
                             {"accuracy_least", number_or_null(point.accuracy_least)},
                             {"accuracy_mean_model", number_or_null(point.accuracy_mean_model)},
                             {"consensus_distance", number_or_null(point.consensus_distance)}});
  }
  json["exchanges"] = report.exchanges;
  json["votes"] = report.votes;
  json["bytes_per_vote"] = number_or_null(report.bytes_per_vote);
  json["merge_members"] = report.merge_members;
  json["merge_contributors"] = report.merge_contributors;
  json["merge_bytes_mean"] = report.merge_bytes_mean;
  json["merge_bytes_most"] = report.merge_bytes_most;
  json["consensus_distance"] = number_or_null(report.consensus_distance);
  json["nodes_merged"] = report.nodes_merged;
  json["digests_equal"] = report.digests_equal;
  json["violations"] = nlohmann::ordered_json::array();
  for (const sim::Violation& violation : report.violations) {
    json["violations"].push_back(json_of(violation));
  }
  return json;
}

// Back to the line's start, and erase it (ECMA-48, EL 2).
constexpr const char* rewrite_line = "\r\x1b[2K";

void show_progress(const sim::Progress& progress) {
  std::array<char, 128> line;
  std::snprintf(line.data(), line.size(),
                "%5.1f %% of the steps, %.1f s of virtual time, %llu events",
                progress.share_done * 100, to_seconds(progress.virtual_time),
                static_cast<unsigned long long>(progress.events));
  std::fprintf(stderr, "%s%s", rewrite_line, cut_to(line.data(), columns_of(stderr) - 1).c_str());
}

class SimCommand final : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "sim"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Run a scenario in virtual time and check the laws of training";
  }
  void add_options(CLI::App& app) override;
  [[nodiscard]] Result<void> run() override;

 private:
  [[nodiscard]] Result<sim::Scenario> read_scenario() const;
  [[nodiscard]] Result<void> check_room(const sim::Scenario& scenario) const;
  [[nodiscard]] Result<void> run_seed(const sim::Scenario& scenario, std::uint64_t seed);
  [[nodiscard]] Result<std::pair<std::uint64_t, std::uint64_t>> seed_range() const;
  void print(const sim::Report& report, double wall_s) const;

  std::string file_;
  std::uint64_t seed_ = 1;
  std::string seeds_;
  std::uint32_t nodes_ = 0;
  bool twice_ = false;
  bool json_ = false;
  std::size_t violations_ = 0;
};

void SimCommand::add_options(CLI::App& app) {
  app.add_option("FILE", file_, "The scenario, a TOML file (docs/SIMULATOR.md)")->required();
  app.add_option("--seed", seed_, "The same seed gives the same run, event for event")
      ->capture_default_str();
  app.add_option("--seeds", seeds_, "Many seeds one after another, as A..B");
  app.add_option("--nodes", nodes_, "Overrides the scenario's number of nodes");
  app.add_flag("--twice", twice_, "Run each seed twice and compare the traces");
  app.add_flag("--json", json_, "One JSON object a seed on standard output");
  app.footer(
      "With --json and curve_every_s in the scenario, curve has at_s, bytes_sent, nodes,\n"
      "accuracy_mean, accuracy_least, accuracy_mean_model (of the mean of the nodes' models) and\n"
      "consensus_distance; see docs/SIMULATOR.md.\n"
      "Example: starling sim examples/scenarios/churn.toml --seeds 1..20 --twice");
}

Result<sim::Scenario> SimCommand::read_scenario() const {
  const Result<Bytes> bytes = runtime::read_file(file_);
  if (!bytes) return invalid_input(bytes.error().message);
  auto scenario = sim::parse_scenario(std::string(bytes->begin(), bytes->end()), file_, nodes_);
  return scenario;
}

Result<std::pair<std::uint64_t, std::uint64_t>> SimCommand::seed_range() const {
  if (seeds_.empty()) return std::pair{seed_, seed_};
  unsigned long long first = 0;
  unsigned long long last = 0;
  char rest = 0;
  if (std::sscanf(seeds_.c_str(), "%llu..%llu%c", &first, &last, &rest) != 2 || last < first) {
    return invalid_input("--seeds " + seeds_ + "; allowed: A..B with A not above B, like 1..20");
  }
  return std::pair<std::uint64_t, std::uint64_t>{first, last};
}

Result<void> SimCommand::run_seed(const sim::Scenario& scenario, std::uint64_t seed) {
  const bool is_watched = can_rewrite_lines(stderr);
  const Instant begin = runtime::monotonic_now();
  auto report = sim::simulate(scenario, seed, is_watched ? show_progress : sim::ProgressSink());
  if (!report) return std::unexpected(report.error());
  const double wall_s = to_seconds(runtime::monotonic_now() - begin);
  if (is_watched) std::fputs(rewrite_line, stderr);
  if (twice_) {
    const auto again = sim::simulate(scenario, seed);
    if (!again || again->trace_hash != report->trace_hash) {
      report->violations.push_back({.at = {}, .node = {}, .text = "a second run differs"});
    }
  }
  print(*report, wall_s);
  violations_ += report->violations.size();
  return {};
}

void SimCommand::print(const sim::Report& report, double wall_s) const {
  if (json_) {
    std::printf("%s\n", json_of(report, wall_s).dump().c_str());
    return;
  }
  std::printf("seed %llu: %.1f s of virtual time in %.2f s, %llu events, trace %.16s\n",
              static_cast<unsigned long long>(report.seed), report.virtual_s, wall_s,
              static_cast<unsigned long long>(report.events), report.trace_hash.c_str());
  if (std::isfinite(report.accuracy_merged)) {
    std::printf("  accuracy %.1f %% of the nodes, %.1f %% of the model merged by %zu\n",
                report.accuracy_nodes_mean * 100, report.accuracy_merged * 100,
                report.merge_contributors);
  }
  for (const sim::Violation& violation : report.violations) {
    const std::string who = violation.node ? "node " + std::to_string(*violation.node) : "all";
    std::printf("  VIOLATION at %.3f s, %s: %s\n", to_seconds(violation.at.since_start),
                who.c_str(), violation.text.c_str());
  }
  if (report.violations.empty()) return;
  std::printf("  replay: starling sim %s --seed %llu%s\n", file_.c_str(),
              static_cast<unsigned long long>(report.seed),
              nodes_ > 0 ? (" --nodes " + std::to_string(nodes_)).c_str() : "");
}

/// All nodes of a scenario live in this process.
Result<void> SimCommand::check_room(const sim::Scenario& scenario) const {
  model::TaskOptions options;
  options.shard = {.rule = scenario.skew, .node_count = scenario.nodes, .seed = seed_};
  const auto task = model::make_task(scenario.task, options);
  if (!task) return std::unexpected(task.error());
  const auto need = node::memory_need(scenario.recipe, (*task)->parameter_count());
  return node::check_memory(need, scenario.nodes, runtime::memory_bytes());
}

Result<void> SimCommand::run() {
  const auto scenario = read_scenario();
  if (!scenario) return std::unexpected(scenario.error());
  if (auto room = check_room(*scenario); !room) return room;
  const auto seeds = seed_range();
  if (!seeds) return std::unexpected(seeds.error());
  for (std::uint64_t seed = seeds->first; seed <= seeds->second; ++seed) {
    if (auto ran = run_seed(*scenario, seed); !ran) return ran;
  }
  if (violations_ == 0) return {};
  return failure(std::to_string(violations_) + " violations; see above");
}

}  // namespace

std::unique_ptr<Command> make_sim_command() {
  return std::make_unique<SimCommand>();
}

}  // namespace starling::cli
