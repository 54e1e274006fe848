// Nodes that cannot dial each other: walls between two, routers that let nobody in. Every law holds
// as if they could, and each pair is linked by the path that is left.

#include <array>
#include <string>

#include "sim/simulation.h"
#include "sim/world.h"
#include "tests/sim/scenarios.h"

namespace starling::testing {
namespace {

constexpr std::array recipes = {"gossip", "dsgd", "votes"};

sim::Scenario run_of(const std::string& recipe, std::uint32_t nodes, const std::string& barriers) {
  const bool votes = recipe == "votes";
  return scenario_of("recipe = \"" + recipe + "\"\ntask = \"" + (votes ? "quadratic" : "clusters") +
                     "\"\nnodes = " + std::to_string(nodes) + R"(
    steps = 300
    step_ms = 100
    interval_scale = 0.25
    )" + barriers);
}

/// One model with everyone in it.
sim::Record expect_all_merged(const sim::Scenario& scenario, std::uint64_t seed) {
  const sim::Report report = expect_lawful(scenario, seed);
  EXPECT_EQ(report.merge_contributors, scenario.nodes) << "seed " << seed;
  EXPECT_TRUE(report.digests_equal) << "seed " << seed;
  auto record = sim::run_world(scenario, seed, {});
  EXPECT_TRUE(record);
  return std::move(*record);
}

/// The last path by which `a` got `b` as a neighbour includes this one.
bool was_linked(const sim::Record& record, std::size_t a, std::size_t b, const std::string& path) {
  const auto& paths = record.nodes[a].paths;
  const auto found = paths.find(record.nodes[b].id);
  return found != paths.end() && found->second.contains(path);
}

TEST(Reachability, TwoThatCannotReachEachOtherAreLinkedOverAThird) {
  for (const std::string recipe : recipes) {
    SCOPED_TRACE(recipe);
    const auto record = expect_all_merged(run_of(recipe, 3, "walls = [[1, 2]]"), 1);
    EXPECT_TRUE(was_linked(record, 1, 2, "relayed"));
    EXPECT_TRUE(was_linked(record, 2, 1, "relayed"));
    EXPECT_FALSE(was_linked(record, 0, 1, "relayed"));
    EXPECT_GT(record.nodes[0].status.relayed_bytes, 0U);
    EXPECT_EQ(record.nodes[1].status.relayed_bytes, 0U);
  }
}

TEST(Reachability, TwoBehindOrdinaryRoutersPunchThrough) {
  const auto record = expect_all_merged(run_of("gossip", 3, R"(
    [[router]]
    nodes = [1]
    [[router]]
    nodes = [2]
  )"),
                                        1);
  EXPECT_TRUE(was_linked(record, 1, 2, "punched"));
  EXPECT_TRUE(was_linked(record, 2, 1, "punched"));
}

TEST(Reachability, TwoBehindSymmetricRoutersAreLinkedOverAThird) {
  const auto record = expect_all_merged(run_of("gossip", 3, R"(
    [[router]]
    nodes = [1]
    symmetric = true
    [[router]]
    nodes = [2]
  )"),
                                        1);
  EXPECT_TRUE(was_linked(record, 1, 2, "relayed"));
  EXPECT_FALSE(was_linked(record, 1, 2, "punched"));
}

/// Of two that are to be neighbours the one with the lower id dials: in some seeds node 2.
TEST(Reachability, WhoeverCannotBeDialledIsAskedToDial) {
  bool is_reversed = false;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const auto scenario = run_of("gossip", 3, R"(
      topology = "ring"
      [[router]]
      nodes = [1]
      [[fault]]
      at_s = 5
      join = 2
    )");
    const auto record = expect_all_merged(scenario, seed);
    is_reversed = is_reversed || was_linked(record, 2, 1, "reversed");
    EXPECT_FALSE(was_linked(record, 2, 1, "relayed")) << seed;
  }
  EXPECT_TRUE(is_reversed);
}

TEST(Reachability, TheLinkGoesOverAnotherMemberWhenItsRelayDies) {
  const auto scenario = run_of("gossip", 4, R"(
    walls = [[1, 2]]
    [[fault]]
    at_s = 10
    crash = 0
    silent = true
  )");
  const sim::Report report = expect_lawful(scenario, 1);
  EXPECT_EQ(report.merge_contributors, 3U);
  const auto record = sim::run_world(scenario, 1, {});
  ASSERT_TRUE(record);
  EXPECT_TRUE(was_linked(*record, 1, 2, "relayed"));
  EXPECT_GT(record->nodes[3].status.relayed_bytes, 0U);
}

TEST(Reachability, HouseholdsOfSeveralKindsBecomeOneModel) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const auto record = expect_all_merged(run_of("gossip", 6, R"(
      [[router]]
      nodes = [1, 2, 3]
      [[router]]
      nodes = [4, 5]
      symmetric = true
    )"),
                                          seed);
    EXPECT_TRUE(was_linked(record, 1, 2, "direct"));
    EXPECT_TRUE(was_linked(record, 4, 5, "direct"));
    EXPECT_TRUE(was_linked(record, 1, 4, "relayed"));
  }
}

TEST(Reachability, ARunOverRelaysReplaysFromItsSeed) {
  const auto scenario = run_of("gossip", 3, "walls = [[1, 2]]");
  EXPECT_EQ(expect_lawful(scenario, 7).trace_hash, expect_lawful(scenario, 7).trace_hash);
}

TEST(Reachability, NodesKnowWhetherTheyCanBeDialled) {
  const auto record = expect_all_merged(run_of("gossip", 3, "[[router]]\nnodes = [1]\n"), 1);
  EXPECT_EQ(record.nodes[0].status.reach, "public");
  EXPECT_EQ(record.nodes[1].status.reach, "behind_nat");
}

TEST(Reachability, BarriersThatMeanNothingAreRefused) {
  for (const std::string text :
       {"walls = [[1]]", "walls = [[1, 1]]", "walls = [[0, 9]]", "walls = 3", "[[router]]",
        "[[router]]\nnodes = []", "[[router]]\nnodes = [9]", "router = 1",
        "[[router]]\nnodes = [1]\nkind = 2"}) {
    const auto scenario = sim::parse_scenario("nodes = 3\n" + text, "test");
    ASSERT_FALSE(scenario) << text;
    EXPECT_EQ(scenario.error().kind, ErrorKind::invalid_input) << text;
  }
}

}  // namespace
}  // namespace starling::testing
