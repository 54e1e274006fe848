// starling status, merge: questions and requests to a node that runs in another process.

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "node/cli/command.h"
#include "node/cli/progress.h"
#include "node/runtime/child_process.h"
#include "node/runtime/control.h"
#include "node/runtime/file.h"
#include "node/runtime/platform.h"
#include "node/runtime/store.h"

namespace starling::cli {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr Duration watch_interval = 1s;

/// A status, and what it is worth.
struct Reading {
  std::string text;
  bool is_running = false;
  bool has_answered = false;
  UnixSeconds since;  ///< When the node wrote it.
};

/// The answer of the running node, or what it wrote last.
Result<Reading> read_status(const std::filesystem::path& directory) {
  if (auto answer = runtime::ask_node(directory, "status")) {
    return Reading{std::move(*answer), true, true, runtime::unix_now()};
  }
  const Result<Bytes> kept = runtime::read_file(directory / "status.json");
  const Result<UnixSeconds> written = runtime::written_at(directory / "status.json");
  if (kept && written) {
    return Reading{{kept->begin(), kept->end()}, runtime::is_in_use(directory), false, *written};
  }
  return invalid_input("no node has run in " + directory.native() +
                       "; expected the directory given to starling join --dir");
}

/// What its owner asks first: does it run?
std::string standing_text(const Reading& reading, const std::string& phase) {
  if (reading.has_answered) return phase;
  const std::string seen =
      time_text(reading.since) + " (" + ago_text(reading.since, runtime::unix_now()) + ")";
  if (reading.is_running)
    return "running, but it does not answer; it said at " + seen + ": " + phase;
  return "not running, last seen " + seen + ": " + phase;
}

double number_of(const Json& value) {
  return value.is_number() ? value.get<double>() : std::numeric_limits<double>::quiet_NaN();
}

/// As telemetry.h writes it.
NodeStatus parse_status(const Json& json) {
  NodeStatus status;
  status.phase = json.value("phase", "unknown");
  status.step = json.value("step", Step{0});
  status.steps_total = json.value("steps_total", Step{0});
  status.loss = number_of(json["loss"]);
  status.accuracy = number_of(json["accuracy"]);
  status.bytes_sent = json.value("bytes_sent", std::uint64_t{0});
  status.bytes_received = json.value("bytes_received", std::uint64_t{0});
  status.neighbours.resize(json["neighbours"].size());
  return status;
}

CaughtUp parse_caught_up(const Json& json) {
  return {.step = json.value("step", Step{0}),
          .method = json.value("method", ""),
          .seconds = number_of(json["seconds"]),
          .replay_s = number_of(json["replay_predicted_s"]),
          .snapshot_s = number_of(json["snapshot_predicted_s"])};
}

/// The bound at which the node stops voting, if there is one.
std::string bound_text(const Json& privacy) {
  std::array<char, 48> text{};
  const double bound = privacy.value("epsilon_max", 0.0);
  if (bound > 0) std::snprintf(text.data(), text.size(), ", stops voting at %.3g", bound);
  return text.data();
}

/// Whether others can dial the node, and what it passes on between those who cannot.
std::string reach_text(const Json& json) {
  const std::string reach = json.value("reach", "unknown");
  const auto relayed = json.value("relayed_bytes", std::uint64_t{0});
  std::string text = reach == "behind_nat" ? "behind a router, nobody can dial it"
                     : reach == "public"   ? "others can dial it"
                     : reach == "mapped"   ? "others can dial it at a port that the router opened"
                                           : "not known whether others can dial it";
  if (relayed > 0) text += "; it has relayed " + bytes_text(relayed) + " between others";
  return text;
}

void print_status(const Json& json, const Reading& reading) {
  std::printf("node %.8s of run %.8s, %s\n%s\n", json.value("self", "").c_str(),
              json.value("run", "").c_str(),
              standing_text(reading, json.value("phase", "")).c_str(),
              progress_text(parse_status(json)).c_str());
  if (const auto how = json.find("caught_up"); how != json.end() && how->is_object()) {
    std::printf("%s\n", catch_up_text(parse_caught_up(*how)).c_str());
  }
  if (const auto snapshot = json.find("snapshot");
      snapshot != json.end() && snapshot->is_object()) {
    std::printf("snapshot of step %s, model %.8s\n", (*snapshot)["step"].dump().c_str(),
                snapshot->value("model", "").c_str());
  }
  if (const Json privacy = json.value("privacy", Json()); privacy.is_object()) {
    std::printf("  privacy spent: epsilon %.3g at delta %.3g%s\n", privacy.value("epsilon", 0.0),
                privacy.value("delta", 0.0), bound_text(privacy).c_str());
  }
  if (const std::string why = json.value("excluded", ""); !why.empty()) {
    std::printf("  EXCLUDED: %s\n", why.c_str());
  }
  std::printf("  reach: %s\n", reach_text(json).c_str());
  for (const Json& neighbour : json["neighbours"]) {
    std::printf("  %.8s  %-21s step %-8llu %-7.1f ms  %s\n", neighbour.value("id", "").c_str(),
                neighbour.value("address", "").c_str(),
                static_cast<unsigned long long>(neighbour.value("step", Step{0})),
                neighbour.value("round_trip_ms", 0.0), neighbour.value("path", "unknown").c_str());
  }
  for (const auto& [reason, count] : json["rejected"].items()) {
    std::printf("  refused input: %s, %s times\n", reason.c_str(), count.dump().c_str());
  }
}

class StatusCommand final : public Command {
 public:
  std::string_view name() const override { return "status"; }
  std::string_view summary() const override { return "Show where a node stands"; }

  void add_options(CLI::App& app) override {
    app.add_option("DIR", directory_, "Node directory")->capture_default_str();
    app.add_flag("--json", as_json_,
                 "Print one JSON object; running: whether the node does, since: when it said the "
                 "rest (RFC 3339)");
    app.add_flag("--watch", watches_, "Print again every second until Ctrl-C");
    app.footer("Example:\n  starling status starling-run --watch");
  }

  Result<void> run() override {
    if (!watches_) return print_once();
    runtime::ChildGroup interruptions;  // no children: waits for the time, or for Ctrl-C
    while (true) {
      if (auto printed = print_once(); !printed) return printed;
      if (!interruptions.wait(watch_interval).empty()) return {};
    }
  }

 private:
  Result<void> print_once() const {
    const Result<Reading> reading = read_status(directory_);
    if (!reading) return std::unexpected(reading.error());
    Json json = Json::parse(reading->text, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("neighbours") || !json.contains("rejected")) {
      return failure(directory_ + "/status.json is damaged; the node rewrites it when it runs");
    }
    if (as_json_) {
      json["running"] = reading->is_running;
      json["since"] = time_text(reading->since);
      std::printf("%s\n", json.dump().c_str());
    } else {
      print_status(json, *reading);
    }
    std::fflush(stdout);
    return {};
  }

  std::string directory_ = ".";
  bool as_json_ = false;
  bool watches_ = false;
};

class MergeCommand final : public Command {
 public:
  std::string_view name() const override { return "merge"; }
  std::string_view summary() const override {
    return "Ask a running node to begin the final merge";
  }

  void add_options(CLI::App& app) override {
    app.add_option("DIR", directory_, "Node directory of the running node")->required();
    app.add_flag("--accept-partial", accepts_partial_,
                 "Merge although most of the run's nodes are not here; the model is then marked as "
                 "partial");
    app.footer(
        "All nodes of the run then merge what they have and end, whatever their step.\n"
        "Example:\n  starling merge starling-run");
  }

  Result<void> run() override {
    const auto answer =
        runtime::ask_node(directory_, accepts_partial_ ? "merge accept-partial" : "merge");
    if (!answer) return invalid_input(answer.error().message);
    const Json json = Json::parse(*answer, nullptr, /*allow_exceptions=*/false);
    if (json.is_object() && json.contains("error")) {
      return std::unexpected(
          Error{ErrorKind::no_quorum, json.value("error", "") +
                                          "; wait for the others, or merge with "
                                          "those that are here by --accept-partial"});
    }
    std::printf("the merge was asked for; starling status %s shows how it goes\n",
                directory_.c_str());
    return {};
  }

 private:
  std::string directory_;
  bool accepts_partial_ = false;
};

}  // namespace

std::unique_ptr<Command> make_status_command() {
  return std::make_unique<StatusCommand>();
}

std::unique_ptr<Command> make_merge_command() {
  return std::make_unique<MergeCommand>();
}

}  // namespace starling::cli
