// What the end of a run costs when there are more nodes than a node may have links.

#include <gtest/gtest.h>

#include "model/tasks.h"
#include "tests/sim/scenarios.h"

namespace starling::testing {
namespace {

/// Bytes of the vector that a node gives.
double vector_bytes() {
  return 4.0 * static_cast<double>((*model::make_task("clusters", {}))->parameter_count());
}

sim::Report run_of_gossip(std::uint32_t nodes) {
  return expect_lawful(
      scenario_of("task = \"clusters\"\nrecipe = \"gossip\"\nsteps = 50\nnodes = " +
                  std::to_string(nodes) + "\n"),
      1);
}

double events_per_node(const sim::Report& report) {
  return static_cast<double>(report.events) / report.nodes;
}

TEST(MergeScale, AHundredNodesMergeWithoutLinksToEveryone) {
  const sim::Report fifty = run_of_gossip(50);
  const sim::Report hundred = run_of_gossip(100);
  EXPECT_EQ(hundred.merge_contributors, 100U);
  EXPECT_TRUE(hundred.digests_equal);
  EXPECT_LE(events_per_node(hundred), 1.5 * events_per_node(fifty));
  EXPECT_LE(hundred.merge_bytes_mean, 3 * vector_bytes() + (64U << 10U));
}

// Presence of all to all is most of what 300 nodes would say; it is gathered.
TEST(MergeScale, ThreeHundredNodesCostNoMoreEventsEachThanFifty) {
  const sim::Report fifty = run_of_gossip(50);
  const sim::Report many = run_of_gossip(300);
  EXPECT_EQ(many.merge_contributors, 300U);
  EXPECT_TRUE(many.digests_equal);
  EXPECT_LE(events_per_node(many), events_per_node(fifty));
  EXPECT_LE(many.merge_bytes_mean, 3 * vector_bytes() + (64U << 10U));
}

}  // namespace
}  // namespace starling::testing
