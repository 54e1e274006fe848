// A run whose nodes spend their privacy before the last step.

#include <gtest/gtest.h>

#include "sim/world.h"
#include "tests/sim/scenarios.h"

namespace starling::testing {
namespace {

sim::Scenario private_votes(double epsilon_max) {
  return scenario_of(R"(
    nodes = 5
    steps = 60
    task = "clusters"
    [recipe]
    name = "private-votes"
    oracle = "votes"
    batch = 64
    [recipe.votes]
    probes = 16
    probe_size = 0.01
    step_size = 1.0
    clip = 2.0
    noise = 1.0
    epsilon_max = )" +
                     std::to_string(epsilon_max) + "\n");
}

TEST(PrivateVotes, StopAtTheBoundAndAreMerged) {
  const sim::Scenario scenario = private_votes(4);
  expect_lawful(scenario, 1);
  const auto record = sim::run_world(scenario, 1, {});
  for (const sim::Observation& node : record->nodes) {
    ASSERT_TRUE(node.status.privacy);
    EXPECT_LE(node.status.privacy->epsilon, 4);
    EXPECT_GT(node.status.privacy->epsilon, 3.5);
    EXPECT_LT(node.status.step, 60U);
  }
}

TEST(PrivateVotes, GoOnToTheLastStepWithoutABound) {
  const sim::Scenario scenario = private_votes(0);
  expect_lawful(scenario, 1);
  const auto record = sim::run_world(scenario, 1, {});
  for (const sim::Observation& node : record->nodes) {
    EXPECT_EQ(node.status.step, 60U);
    EXPECT_GT(node.status.privacy->epsilon, 4);
  }
}

}  // namespace
}  // namespace starling::testing
