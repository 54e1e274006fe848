// A node's directory that runs on a second machine: the copy stops, and the run is not disturbed.

#include <gtest/gtest.h>

#include "sim/checkers.h"
#include "sim/world.h"
#include "tests/sim/scenarios.h"

namespace starling::testing {
namespace {

sim::Record lawful_record(const sim::Scenario& scenario, std::uint64_t seed) {
  auto record = sim::run_world(scenario, seed, {});
  EXPECT_TRUE(record) << record.error().message;
  for (const sim::Violation& violation : sim::check_all(scenario, *record)) {
    ADD_FAILURE() << "seed " << seed << ", node " << violation.node.value_or(9999) << ": "
                  << violation.text;
  }
  return std::move(*record);
}

TEST(Copies, StopWithTheReasonUnderEveryRecipe) {
  for (const char* recipe : {"gossip", "dsgd", "votes"}) {
    sim::Scenario scenario = example("copies.toml");
    scenario.recipe = *optim::builtin_recipe(recipe);
    for (const std::uint64_t seed : {1, 2}) {
      SCOPED_TRACE(recipe);
      const sim::Record record = lawful_record(scenario, seed);
      ASSERT_EQ(record.copies.size(), 2U);
      for (const sim::Observation& copy : record.copies) {
        EXPECT_NE(copy.stop_reason.find("another process runs with the key of this node"),
                  std::string::npos)
            << copy.stop_reason;
        EXPECT_NE(copy.stop_reason.find("node-2:1"), std::string::npos) << copy.stop_reason;
      }
      for (const sim::Observation& node : record.nodes) {
        EXPECT_EQ(node.status.equivocators, 0U) << "a copy casts no vote";
      }
    }
  }
}

/// The directory's own machine is restarted, again and again, while others still spread what the
/// processes before said.
TEST(Copies, ARestartIsNone) {
  sim::Scenario scenario = example("copies.toml");
  scenario.faults.clear();
  for (int i = 0; i < 4; ++i) {
    const Instant at{std::chrono::milliseconds(2000 + 700 * i)};
    scenario.faults.push_back({at, sim::Crash{2, std::chrono::milliseconds(i * 100)}});
  }
  for (const std::uint64_t seed : {1, 2, 3}) {
    const sim::Record record = lawful_record(scenario, seed);
    EXPECT_TRUE(record.nodes[2].merged) << "seed " << seed;
  }
}

}  // namespace
}  // namespace starling::testing
