// The ledgers that a swarm leaves on disk: replayed, audited, cut off, and caught up with.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/program.h"

namespace starling {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::HasSubstr;

constexpr int nodes = 4;  // and a joiner

class LedgerOfATestnet : public ::testing::Test {
 protected:
  /// Runs a swarm with one joiner at step 100 of 300; its result, with the nodes' directories kept.
  Json run_swarm(const std::string& catch_up) const {
    const auto outcome = testing::run_program(
        {"testnet", "--json", "--quiet", "--no-baseline", "--keep", "--nodes",
         std::to_string(nodes), "--recipe", "votes", "--task", "clusters-softmax", "--steps", "300",
         "--join", "1@100", "--catch-up", catch_up, "--out", folder()});
    EXPECT_EQ(outcome.exit.code, 0) << outcome.error_text;
    return outcome.lines.empty() ? Json() : Json::parse(outcome.lines.back(), nullptr, false);
  }

  [[nodiscard]] Json replay(int node, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"replay", directory_of(node), "--json"});
    const auto outcome = testing::run_program(more);
    EXPECT_EQ(outcome.exit.code, 0) << outcome.error_text;
    return outcome.lines.empty() ? Json() : Json::parse(outcome.lines.back(), nullptr, false);
  }

  /// The snapshots that a node has reported, oldest first.
  [[nodiscard]] std::vector<Json> reported_snapshots(int node) const {
    std::vector<Json> snapshots;
    std::ifstream file(fs::path(directory_of(node)) / "metrics.jsonl");
    for (std::string line; std::getline(file, line);) {
      Json event = Json::parse(line, nullptr, false);
      if (event.value("event", "") == "snapshot_saved") snapshots.push_back(std::move(event));
    }
    return snapshots;
  }

  /// Every node's ledger gives the model that all have merged.
  void expect_replays_to(const Json& result) const {
    for (int node = 0; node <= nodes; ++node) {
      const Json replayed = replay(node);
      EXPECT_EQ(replayed["digest"], result["model"]) << "node " << node;
      EXPECT_EQ(replayed["step"], 300) << "node " << node;
      EXPECT_EQ(replayed["votes"], result["votes"]) << "node " << node;
    }
  }

  [[nodiscard]] fs::path folder() const { return scratch_.path() / "run"; }
  [[nodiscard]] std::string directory_of(int node) const {
    return folder() / ("node-" + std::to_string(node));
  }

 private:
  runtime::testing::TemporaryDirectory scratch_;
};

TEST_F(LedgerOfATestnet, RebuildsEveryReportedModelAndIsAudited) {
  const Json result = run_swarm("replay");
  ASSERT_EQ(result["digests_equal"], true);
  ASSERT_EQ(result["catch_up"].size(), 1U);
  EXPECT_EQ(result["catch_up"][0]["method"], "replay");
  EXPECT_GT(result["catch_up"][0]["seconds"], 0.0);
  for (const char* prediction : {"replay_predicted_s", "snapshot_predicted_s"}) {
    const Json& seconds = result["catch_up"][0][prediction];
    // Nothing: a busy machine did not answer the request for a sample in time.
    EXPECT_TRUE(seconds.is_null() || seconds > 0.0) << prediction << " " << seconds;
  }
  expect_replays_to(result);

  int equal = 0;
  for (const Json& snapshot : reported_snapshots(0)) {
    const Json replayed = replay(0, {"--step", snapshot["step"].dump()});
    if (replayed["votes"] != snapshot["votes"]) continue;  // a packet came later than the snapshot
    EXPECT_EQ(replayed["digest"], snapshot["model"]) << snapshot;
    equal += 1;
  }
  EXPECT_GE(equal, 3);

  const auto audit = testing::run_program({"audit", directory_of(1), "--json", "--sample", "10"});
  EXPECT_EQ(audit.exit.code, 0) << audit.error_text;
  const Json audited = Json::parse(audit.lines.back(), nullptr, false);
  ASSERT_EQ(audited["authors"].size(), nodes + 1U);
  for (const Json& author : audited["authors"]) EXPECT_GT(author["correlation"], 0.9) << author;
}

TEST_F(LedgerOfATestnet, OfAJoinerBeginsWithTheSnapshotItWasGiven) {
  const Json result = run_swarm("snapshot");
  ASSERT_EQ(result["digests_equal"], true);
  ASSERT_EQ(result["catch_up"].size(), 1U);
  EXPECT_EQ(result["catch_up"][0]["method"], "snapshot");
  expect_replays_to(result);
  const auto too_early = testing::run_program({"replay", directory_of(nodes), "--step", "1"});
  EXPECT_EQ(too_early.exit.code, 2);
  EXPECT_THAT(too_early.error_text, HasSubstr("begins with a snapshot"));
}

TEST_F(LedgerOfATestnet, NamesTheDamagedByteAndForgivesATornEnd) {
  const Json result = run_swarm("auto");
  const fs::path log = fs::path(directory_of(0)) / "votes.log";
  const auto size = fs::file_size(log);
  fs::resize_file(log, size - 5);
  const auto cut = testing::run_program({"replay", directory_of(0), "--json"});
  EXPECT_EQ(cut.exit.code, 0);
  EXPECT_THAT(cut.error_text, HasSubstr("not whole"));
  EXPECT_LT(Json::parse(cut.lines.back())["votes"], result["votes"]);

  std::fstream file(log, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(size / 2));
  file.write("\xff\xff\xff", 3);
  file.close();
  const auto damaged = testing::run_program({"replay", directory_of(0), "--json"});
  EXPECT_EQ(damaged.exit.code, 1);
  EXPECT_THAT(damaged.error_text, HasSubstr("damaged at byte"));
  EXPECT_THAT(damaged.error_text, HasSubstr("good records"));
}

}  // namespace
}  // namespace starling
