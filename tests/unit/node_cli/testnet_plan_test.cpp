#include "node/cli/testnet_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace starling::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(SwarmChange, ReadsNumberAndStep) {
  const auto change = parse_swarm_change("--kill", "2@500");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->nodes, 2U);
  EXPECT_EQ(change->at, 500U);
}

TEST(SwarmChange, NamesOptionAndTextOfAnythingElse) {
  for (const char* text : {"", "2", "2@", "@5", "0@5", "-1@5", "2@5x", "2 @5", "2@@5"}) {
    const auto change = parse_swarm_change("--kill", text);
    ASSERT_FALSE(change) << text;
    EXPECT_EQ(change.error().kind, ErrorKind::invalid_input);
    EXPECT_THAT(change.error().message, HasSubstr("--kill is '" + std::string(text) + "'"));
  }
}

TEST(Topology, RefusesAnUnknownNameWithTheList) {
  const auto topology = parse_topology("star");
  ASSERT_FALSE(topology);
  EXPECT_THAT(topology.error().message, HasSubstr("overlay, ring, grid, exponential, full"));
}

TEST(Topology, RingHasTwoNeighboursAndAPairOne) {
  EXPECT_THAT(fixed_neighbours(Topology::ring, 0, 8), ElementsAre(1, 7));
  EXPECT_THAT(fixed_neighbours(Topology::ring, 1, 2), ElementsAre(0));
}

TEST(Topology, GridOfEightHasTwoRowsOfFour) {
  EXPECT_THAT(fixed_neighbours(Topology::grid, 0, 8), ElementsAre(1, 4));
  EXPECT_THAT(fixed_neighbours(Topology::grid, 5, 8), ElementsAre(1, 4, 6));
  EXPECT_THAT(fixed_neighbours(Topology::grid, 3, 8), ElementsAre(2, 7));
}

TEST(Topology, ExponentialReachesPowersOfTwoInBothDirections) {
  EXPECT_THAT(fixed_neighbours(Topology::exponential, 0, 8), ElementsAre(1, 2, 4, 6, 7));
}

TEST(Topology, EveryFixedOneIsSymmetricAndWithoutLoops) {
  for (const Topology topology :
       {Topology::ring, Topology::grid, Topology::exponential, Topology::full}) {
    for (std::uint32_t count = 2; count <= 12; ++count) {
      for (std::uint32_t node = 0; node < count; ++node) {
        const auto neighbours = fixed_neighbours(topology, node, count);
        EXPECT_FALSE(neighbours.empty());
        for (const std::uint32_t other : neighbours) {
          EXPECT_NE(other, node);
          const auto back = fixed_neighbours(topology, other, count);
          EXPECT_TRUE(std::ranges::binary_search(back, node)) << count << " " << node;
        }
      }
    }
  }
}

TestnetPlan small_plan() {
  TestnetPlan plan;
  plan.run.task = "clusters";
  plan.run.recipe = *optim::builtin_recipe("gossip");
  plan.run.nodes = 4;
  plan.run.steps = 100;
  return plan;
}

TEST(TestnetPlan, TellsTheModelsSize) {
  EXPECT_EQ(check_plan(small_plan()).value_or(TaskFacts{}).parameters,
            32U * 64 + 64 + 64 * 10 + 10);
}

TEST(TestnetPlan, RefusesToKillEverybody) {
  TestnetPlan plan = small_plan();
  plan.kill = {.nodes = 4, .at = 10};
  EXPECT_FALSE(check_plan(plan));
}

TEST(TestnetPlan, RefusesAChangeAfterTheLastStep) {
  TestnetPlan plan = small_plan();
  plan.join = {.nodes = 1, .at = 100};
  EXPECT_FALSE(check_plan(plan));
}

TEST(TestnetPlan, RefusesAJoinerInAFixedTopology) {
  TestnetPlan plan = small_plan();
  plan.join = {.nodes = 1, .at = 10};
  plan.topology = Topology::ring;
  EXPECT_FALSE(check_plan(plan));
}

}  // namespace
}  // namespace starling::cli
