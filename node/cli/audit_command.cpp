// starling audit: whether authors voted as the data they held says, where that data is public.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "model/tasks.h"
#include "node/cli/command.h"
#include "node/cli/ledger_audit.h"
#include "node/cli/shard_map.h"

namespace starling::cli {
namespace {

namespace fs = std::filesystem;

class AuditCommand final : public Command {
 public:
  std::string_view name() const override { return "audit"; }
  std::string_view summary() const override {
    return "Recompute a sample of a ledger's votes from public data";
  }

  void add_options(CLI::App& app) override {
    app.add_option("DIR", directory_, "Node directory of a voting run")->required();
    app.add_option("--sample", options_.packets, "Packets of each author to recompute")
        ->check(CLI::Range(1, 1000000))
        ->capture_default_str();
    app.add_option("--seed", options_.seed,
                   "Of the choice of packets; one that authors do not know beforehand")
        ->capture_default_str();
    app.add_option(
        "--shards", shards_,
        "Which author held which part of the data: the shards.json that starling testnet "
        "writes (default: the one in DIR or in the folder around it)");
    app.add_flag("--json", as_json_, "Print one JSON object");
    app.footer(
        "An author whose votes do not correlate with its data is flagged, and the exit status is "
        "1.\n"
        "Votes on people's own data cannot be audited: the data never leaves their machines.\n"
        "Example:\n"
        "  starling testnet --recipe votes --keep --out votes-run\n"
        "  starling audit votes-run/node-0 --sample 20");
  }

  Result<void> run() override {
    const auto ledger = open_ledger(directory_);
    if (!ledger) return std::unexpected(ledger.error());
    const auto map = find_shard_map();
    if (!map) return std::unexpected(map.error());
    std::vector<AuditedAuthor> audited;
    for (const NodeId& author : authors_of(*ledger)) {
      const auto shard = map->shard_of.find(author);
      if (shard == map->shard_of.end()) continue;  // said by print(): fewer authors than voted
      auto task = load_task(ledger->invitation.run, *map, shard->second);
      if (!task) return std::unexpected(task.error());
      auto result = audit(*ledger, author, std::move(*task), options_);
      if (!result) return std::unexpected(result.error());
      audited.push_back(*result);
    }
    print(audited, authors_of(*ledger).size());
    const auto flagged = std::ranges::count_if(audited, &AuditedAuthor::is_flagged);
    if (flagged == 0) return {};
    return failure(std::to_string(flagged) + " of " + std::to_string(audited.size()) +
                   " authors cast votes that their data does not give");
  }

 private:
  Result<ShardMap> find_shard_map() const {
    if (!shards_.empty()) return read_shard_map(shards_);
    const fs::path directory = fs::absolute(directory_);
    std::error_code ignored;
    for (const fs::path& folder : {directory, directory.parent_path()}) {
      const fs::path path = folder / shard_map_name;
      if (fs::exists(path, ignored)) return read_shard_map(path);
    }
    return invalid_input("no " + std::string(shard_map_name) + " in " + directory_ +
                         " or around it; votes can be recomputed only where it is known which "
                         "public data each author held");
  }

  static Result<std::unique_ptr<Task>> load_task(const RunDescription& run, const ShardMap& map,
                                                 std::uint32_t shard) {
    const auto rule = model::parse_shard_rule(map.skew);
    if (!rule) return std::unexpected(rule.error());
    model::TaskOptions options = task_options(run);
    options.data.path = map.data;
    options.shard.rule = *rule;
    options.shard.node_count = map.shards;
    options.node_index = shard;
    return model::make_task(run.task, options);
  }

  void print(const std::vector<AuditedAuthor>& audited, std::size_t authors) const {
    auto list = nlohmann::ordered_json::array();
    for (const AuditedAuthor& author : audited) {
      list.push_back({{"author", author.author.hex()},
                      {"packets", author.packets},
                      {"votes", author.votes},
                      {"correlation", author.correlation},
                      {"sign_agreement", author.sign_agreement},
                      {"flagged", author.is_flagged()}});
      if (as_json_) continue;
      std::printf("%s  %zu votes in %zu packets  correlation %6.3f  signs agree %5.1f %%%s\n",
                  author.author.short_text().c_str(), author.votes, author.packets,
                  author.correlation, author.sign_agreement * 100,
                  author.is_flagged() ? "  FLAGGED" : "");
    }
    if (as_json_) {
      const nlohmann::ordered_json json = {{"authors", list},
                                           {"not_audited", authors - list.size()}};
      std::printf("%s\n", json.dump().c_str());
    } else if (authors > list.size()) {
      std::printf("%zu more authors are not in the map of shards\n", authors - list.size());
    }
  }

  std::string directory_;
  std::string shards_;
  AuditOptions options_;
  bool as_json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_audit_command() {
  return std::make_unique<AuditCommand>();
}

}  // namespace starling::cli
