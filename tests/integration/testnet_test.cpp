// Whole swarms of processes of the real program on loopback sockets.

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "node/runtime/child_process.h"
#include "tests/unit/node_runtime/temporary_directory.h"

namespace starling {
namespace {

struct Outcome {
  int status = -1;
  nlohmann::json result;
};

class Testnet : public testing::Test {
 protected:
  /// Four nodes of `starling testnet --json`, and the last line it printed.
  Outcome run(std::vector<std::string> options, const char* folder = "run") {
    options.insert(options.begin(), {"testnet", "--json", "--quiet", "--nodes", "4", "--out",
                                     (directory_.path() / folder).native()});
    auto child = runtime::ChildProcess::spawn(
        {.program = STARLING_PROGRAM, .arguments = std::move(options)});
    if (!child) return {};
    runtime::ChildGroup group;
    group.add(std::move(*child));
    Outcome outcome;
    while (group.running() > 0) {
      for (const auto& event : group.wait(std::chrono::seconds(1))) {
        if (const auto* line = std::get_if<runtime::ChildLine>(&event)) {
          outcome.result = nlohmann::json::parse(line->text, nullptr, false);
        } else if (const auto* exit = std::get_if<runtime::ChildExited>(&event)) {
          outcome.status = exit->status.code;
        }
      }
    }
    return outcome;
  }

  runtime::testing::TemporaryDirectory directory_;
};

TEST_F(Testnet, GossipMergesFourNodesIntoOneModel) {
  const Outcome outcome = run({"--task", "clusters", "--steps", "200", "--skew", "iid"});
  ASSERT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.result["merge_members"], 4);
  EXPECT_EQ(outcome.result["merge_contributors"], 4);
  EXPECT_EQ(outcome.result["digests_equal"], true);
  EXPECT_GT(outcome.result["accuracy_merged"], 0.8);  // chance: 0.1
  EXPECT_GT(outcome.result["accuracy_central"], 0.8);
  for (const char* name : {"metrics.jsonl", "model.safetensors", "manifest.json", "result.json"}) {
    EXPECT_TRUE(std::filesystem::exists(directory_.path() / "run" / name)) << name;
  }
}

TEST_F(Testnet, TheCurveOfTheMeanModelRisesToTheMergedOne) {
  const Outcome outcome = run({"--task", "clusters", "--steps", "400", "--no-baseline"});
  ASSERT_EQ(outcome.status, 0);
  const auto& curve = outcome.result["curve"];
  ASSERT_GE(curve.size(), 5U);
  double time_s = 0;
  for (const auto& point : curve) {
    EXPECT_EQ(point["step"].get<int>() % 40, 0);
    EXPECT_GE(point["nodes"], 1);
    EXPECT_LE(point["nodes"], 4);
    time_s = std::max(time_s, point["time_s"].get<double>());
  }
  EXPECT_GT(time_s, 0.0);
  const auto& last = curve.back();
  EXPECT_NEAR(last["accuracy_mean_model"].get<double>(),
              outcome.result["accuracy_merged"].get<double>(), 0.05);
  EXPECT_GT(last["bytes_sent"], curve.front()["bytes_sent"]);
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "run" / "node-0"));
}

TEST_F(Testnet, VotesEndWithReplicasThatAgreeByteForByte) {
  const Outcome outcome =
      run({"--recipe", "votes", "--task", "clusters-softmax", "--steps", "60", "--no-baseline"});
  ASSERT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.result["merge_members"], 4);
  // A node that falls behind joins the others' step; without a wait at the start one would often
  // miss most of so short a run.
  EXPECT_LE(outcome.result["votes"], 4 * 60 * 16);
  EXPECT_GT(outcome.result["votes"], 4 * 60 * 16 * 9 / 10);
  EXPECT_EQ(outcome.result["digests_equal"], true);
  EXPECT_EQ(outcome.result["consensus_distance"], 0.0);
}

TEST_F(Testnet, AKilledNodeIsMissingFromTheManifest) {
  const Outcome outcome =
      run({"--task", "clusters", "--steps", "300", "--kill", "1@100", "--no-baseline"});
  ASSERT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.result["killed"], 1);
  EXPECT_EQ(outcome.result["merge_members"], 3);
  EXPECT_EQ(outcome.result["digests_equal"], true);
}

TEST_F(Testnet, AJoinerIsInTheManifest) {
  const Outcome outcome =
      run({"--task", "clusters", "--steps", "600", "--join", "1@100", "--no-baseline"});
  ASSERT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.result["joined"], 1);
  EXPECT_EQ(outcome.result["merge_members"], 5);
  EXPECT_EQ(outcome.result["digests_equal"], true);
}

TEST_F(Testnet, ARunGoesOnFromTheModelOfAnEarlierOne) {
  const Outcome first = run({"--task", "clusters", "--steps", "2000", "--no-baseline"}, "first");
  ASSERT_EQ(first.status, 0);
  const std::string model = (directory_.path() / "first" / "model.safetensors").native();
  // Five steps from the task's own start lead to a half.
  const Outcome outcome =
      run({"--task", "clusters", "--steps", "5", "--from", model, "--no-baseline"});
  ASSERT_EQ(outcome.status, 0);
  EXPECT_NEAR(outcome.result["accuracy_merged"].get<double>(),
              first.result["accuracy_merged"].get<double>(), 0.05);
  EXPECT_GT(outcome.result["accuracy_merged"], 0.7);
  EXPECT_EQ(run({"--task", "clusters-softmax", "--from", model}, "misfit").status, 2);
  EXPECT_EQ(run({"--task", "clusters", "--shift", "invert:0.5"}, "no-images").status, 2);
}

TEST_F(Testnet, WrongInputEndsWithStatusTwoAndWritesNothing) {
  EXPECT_EQ(run({"--task", "clusters", "--kill", "9@5"}).status, 2);
  EXPECT_EQ(run({"--task", "clusters", "--topology", "star"}).status, 2);
  EXPECT_EQ(run({"--task", "clusters", "--skew", "dirichlet"}).status, 2);
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "run"));
}

}  // namespace
}  // namespace starling
