// A bit that turns over in one replica is found, located and repaired; without the detector it is
// not.

#include <gtest/gtest.h>

#include "sim/checkers.h"
#include "sim/world.h"
#include "tests/sim/scenarios.h"

namespace starling::testing {
namespace {

constexpr std::size_t sick = 5;  // examples/scenarios/bit-flip.toml

sim::Record run(const sim::Scenario& scenario, std::uint64_t seed) {
  auto record = sim::run_world(scenario, seed, {});
  EXPECT_TRUE(record) << record.error().message;
  return *record;
}

const sim::Record& flipped_run() {
  static const sim::Record record = run(example("bit-flip.toml"), 1);
  return record;
}

/// True if exactly the flipped parameter is reported.
bool covers(const sim::Record& record, const DivergenceLocated& located) {
  // It lies in the first segment, at whose beginning the parameters are counted from 0.
  const std::size_t flipped = *record.nodes[sick].flipped;
  if (located.ranges.size() != 1 || located.ranges[0].segment != "layers.0.weight") return false;
  return located.ranges[0].first == flipped && located.ranges[0].end == flipped + 1;
}

TEST(Divergence, AFlippedBitIsFoundLocatedAndRepaired) {
  const sim::Record& record = flipped_run();
  EXPECT_TRUE(sim::check_votes(record).empty());
  ASSERT_EQ(record.nodes[sick].located.size(), 1U);
  const DivergenceLocated& located = record.nodes[sick].located[0];
  EXPECT_EQ(located.node, record.nodes[sick].id);
  EXPECT_TRUE(covers(record, located)) << "parameter " << *record.nodes[sick].flipped;
  EXPECT_GT(record.nodes[sick].status.agreed_step, located.step);
}

TEST(Divergence, NeighboursFindThemselvesRightAndNameTheSegmentOfTheOther) {
  const sim::Record& record = flipped_run();
  std::size_t reports = 0;
  for (const sim::Observation& node : record.nodes) {
    if (node.id == record.nodes[sick].id) continue;
    for (const DivergenceLocated& located : node.located) {
      reports += 1;
      EXPECT_EQ(located.node, record.nodes[sick].id);
      EXPECT_FALSE(located.ranges.empty());
    }
  }
  EXPECT_GE(reports, 1U);
}

TEST(Divergence, WithoutTheDetectorTheSameRunEndsUnequal) {
  sim::Scenario scenario = example("bit-flip.toml");
  scenario.recipe.ledger().digest_interval = 0;
  const sim::Record record = run(scenario, 1);
  EXPECT_FALSE(sim::check_votes(record).empty());
  EXPECT_TRUE(record.nodes[sick].located.empty());
}

TEST(Divergence, TheRunReplaysBitForBit) {
  EXPECT_EQ(run(example("bit-flip.toml"), 1).trace_hash, flipped_run().trace_hash);
}

TEST(Divergence, NothingIsReportedWhereNothingIsWrong) {
  sim::Scenario scenario = example("bit-flip.toml");
  scenario.faults.clear();
  const sim::Record record = run(scenario, 1);
  for (const sim::Observation& node : record.nodes) {
    EXPECT_TRUE(node.located.empty());
    EXPECT_EQ(node.status.divergences, 0U);
    EXPECT_GT(node.status.agreed_step, 0U);
  }
}

}  // namespace
}  // namespace starling::testing
