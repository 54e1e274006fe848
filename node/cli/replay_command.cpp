// starling replay: the model of any step, from the ledger in a node directory alone.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "model/safetensors.h"
#include "node/cli/command.h"
#include "node/cli/ledger_directory.h"
#include "node/core/fixed_point.h"
#include "node/runtime/file.h"

namespace starling::cli {
namespace {

class ReplayCommand final : public Command {
 public:
  std::string_view name() const override { return "replay"; }
  std::string_view summary() const override {
    return "Rebuild the model of any step from a node's ledger of votes";
  }

  void add_options(CLI::App& app) override {
    app.add_option("DIR", directory_, "Node directory of a voting run; its node may be running")
        ->required();
    app.add_option("--step", step_,
                   "The model that votes of steps below this make (default: all votes)");
    app.add_option("--out", out_,
                   "File to write the model to, as one safetensors tensor named 'parameters'");
    app.add_flag("--json", as_json_, "Print one JSON object: step, votes, digest");
    app.footer(
        "Every signature is checked. The digest is the one that nodes report: in snapshot_saved "
        "and\n"
        "evaluated of metrics.jsonl, in starling status, and in the merge's manifest.\n"
        "Example:\n  starling replay starling-run --step 200");
  }

  Result<void> run() override {
    const auto ledger = open_ledger(directory_);
    if (!ledger) return std::unexpected(ledger.error());
    if (!ledger->note.empty()) std::fprintf(stderr, "starling: note: %s\n", ledger->note.c_str());
    auto replay = replay_of(*ledger);
    if (!replay) return std::unexpected(replay.error());
    const Step first = ledger->base.step;
    const Step step = step_.value_or(replay->end());
    if (step < first || step > replay->end()) {
      return invalid_input("--step is " + std::to_string(step) + ", expected one from " +
                           std::to_string(first) + " to " + std::to_string(replay->end()) +
                           (first > 0 ? "; this ledger begins with a snapshot" : ""));
    }
    replay->advance(step);
    print(step, *replay);
    return out_.empty() ? Result<void>{} : write(*replay);
  }

 private:
  void print(Step step, const node::LedgerReplay& replay) const {
    const std::string digest = replay.digest().hex();
    if (as_json_) {
      const nlohmann::ordered_json json = {
          {"step", step}, {"votes", replay.votes()}, {"digest", digest}};
      std::printf("%s\n", json.dump().c_str());
    } else {
      std::printf("step %llu, %llu votes, model %s\n", static_cast<unsigned long long>(step),
                  static_cast<unsigned long long>(replay.votes()), digest.c_str());
    }
  }

  Result<void> write(const node::LedgerReplay& replay) const {
    auto parameters = node::from_fixed_point(node::to_fixed_point(replay.grid()));
    const std::size_t count = parameters.size();
    return runtime::write_atomically(
        out_, model::encode_safetensors(
                  {{Segment{"parameters", 0, {count}}}, std::move(parameters), {}}));
  }

  std::string directory_;
  std::optional<Step> step_;
  std::string out_;
  bool as_json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_replay_command() {
  return std::make_unique<ReplayCommand>();
}

}  // namespace starling::cli
