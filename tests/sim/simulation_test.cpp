#include "sim/simulation.h"

#include "tests/sim/scenarios.h"

namespace starling::testing {
namespace {

// Ten classes: an untrained model guesses one in ten.
TEST(Simulation, FiftyNodesLearnASmallTask) {
  const sim::Report report = expect_lawful(example("learn-50.toml"), 1);
  EXPECT_GE(report.accuracy_merged, 0.85);
  EXPECT_EQ(report.merge_members, 50U);
}

TEST(Simulation, TwentySeedsGiveTheSameTraceTwice) {
  const sim::Scenario scenario = scenario_of(R"(
    nodes = 6
    steps = 60
    [random_faults]
    from_s = 0.5
    until_s = 2.0
    cuts_per_s = 2.0
    pauses_per_s = 0.5
    pause_s = 0.3
  )");
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const sim::Report first = expect_lawful(scenario, seed);
    const sim::Report second = expect_lawful(scenario, seed);
    EXPECT_EQ(first.trace_hash, second.trace_hash) << "seed " << seed;
    EXPECT_EQ(first.events, second.events) << "seed " << seed;
  }
}

TEST(Simulation, DifferentSeedsGiveDifferentTraces) {
  const sim::Scenario scenario = scenario_of("nodes = 3\nsteps = 20\n");
  EXPECT_NE(expect_lawful(scenario, 1).trace_hash, expect_lawful(scenario, 2).trace_hash);
}

TEST(Simulation, GossipConservesTheSumUnderChurn) {
  const sim::Scenario scenario = example("churn.toml");
  for (std::uint64_t seed = 1; seed <= 5; ++seed) expect_lawful(scenario, seed);
}

TEST(Simulation, AHealedPartitionEndsWithOneModel) {
  const sim::Report report = expect_lawful(example("partition.toml"), 1);
  EXPECT_TRUE(report.digests_equal);
  EXPECT_EQ(report.merge_members, 8U);
}

TEST(Simulation, VotersAgreeByteForByteAfterCrashAndLateJoin) {
  const sim::Report report = expect_lawful(example("votes.toml"), 1);
  EXPECT_TRUE(report.digests_equal);
  EXPECT_EQ(report.consensus_distance, 0.0);
}

}  // namespace
}  // namespace starling::testing
