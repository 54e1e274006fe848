// What networks and machines do besides breaking sockets: power that goes, cables that are pulled,
// laptops that sleep. Nobody is told; the others go on within seconds, and the lost come back.

#include "sim/simulation.h"

#include <array>
#include <string>

#include "sim/checkers.h"
#include "tests/sim/scenarios.h"

namespace starling::testing {
namespace {

constexpr std::array recipes = {"gossip", "dsgd", "votes"};

/// Four nodes that train for a minute; the others may stand still for 5 s at most.
sim::Scenario minute_of(const std::string& recipe, const std::string& fault) {
  const bool votes = recipe == "votes";
  return scenario_of("recipe = \"" + recipe + "\"\ntask = \"" + (votes ? "quadratic" : "clusters") +
                     "\"\n" + R"(
    nodes = 4
    steps = 600
    step_ms = 100
    interval_scale = 0.25
    stall_max_s = 5
    [[fault]]
    at_s = 10
    )" + fault);
}

/// One model, and everyone in it who is there at the end.
void expect_merge_of(std::size_t members, const sim::Scenario& scenario) {
  const sim::Report report = expect_lawful(scenario, 1);
  EXPECT_EQ(report.merge_members, members);
  EXPECT_TRUE(report.digests_equal);
}

TEST(RealNetworks, TheOthersGoOnWhenAMachineLosesPower) {
  for (const std::string recipe : recipes) {
    SCOPED_TRACE(recipe);
    expect_merge_of(3, minute_of(recipe, "crash = 3\nsilent = true\n"));
  }
}

TEST(RealNetworks, AMachineThatLostPowerTakesPartAgain) {
  for (const std::string recipe : recipes) {
    SCOPED_TRACE(recipe);
    expect_merge_of(4, minute_of(recipe, "crash = 3\nsilent = true\nfor_s = 20\n"));
  }
}

TEST(RealNetworks, HalvesThatWereApartAreOneSwarmAgain) {
  for (const std::string recipe : recipes) {
    SCOPED_TRACE(recipe);
    expect_merge_of(4,
                    minute_of(recipe, "partition = [[0, 1], [2, 3]]\nsilent = true\nfor_s = 20\n"));
  }
}

TEST(RealNetworks, AMachineThatSleptTakesPartAgain) {
  for (const std::string recipe : recipes) {
    SCOPED_TRACE(recipe);
    expect_merge_of(4, minute_of(recipe, "pause = 3\nfor_s = 30\n"));
  }
}

TEST(RealNetworks, TheLawOfStallsIsSeenToFire) {
  sim::Record record;
  record.nodes.resize(1);
  record.nodes[0].longest_stall = std::chrono::seconds(6);
  EXPECT_EQ(sim::check_stalls(record, std::chrono::seconds(5)).size(), 1U);
  EXPECT_TRUE(sim::check_stalls(record, std::chrono::seconds(6)).empty());
}

/// A partition that lasts: 2 of 5 and 3 of 5.
sim::Scenario split_at_the_end() {
  return scenario_of(R"(
    recipe = "gossip"
    task = "clusters"
    nodes = 5
    steps = 200
    step_ms = 100
    interval_scale = 0.25
    duration_max_s = 120
    [[fault]]
    at_s = 10
    partition = [[0, 1], [2, 3, 4]]
    silent = true
  )");
}

TEST(RealNetworks, OnlyTheLargerHalfMergesAndTheSmallerWaits) {
  const sim::Scenario scenario = split_at_the_end();
  const auto record = sim::run_world(scenario, 1, {});
  ASSERT_TRUE(record);
  for (std::size_t node = 0; node < 5; ++node) {
    const sim::Observation& seen = record->nodes[node];
    EXPECT_EQ(seen.merged.has_value(), node >= 2) << node;
    EXPECT_EQ(seen.status.phase, node >= 2 ? "stopped" : "waiting_for_quorum") << node;
    EXPECT_EQ(seen.status.nodes_seen, 5U) << node;
  }
}

}  // namespace
}  // namespace starling::testing
