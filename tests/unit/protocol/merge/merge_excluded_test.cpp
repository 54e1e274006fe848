// Members whose models are ruined: the merge goes on without what they would give, and with their
// links.

#include <gtest/gtest.h>

#include "protocol/merge/merge.h"
#include "tests/support/merge_checks.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::expect_merged;
using testing::first;
using testing::merge_elements;
using testing::MergeSwarm;
using testing::name;

std::vector<std::int32_t> everywhere(std::int32_t value) {
  return std::vector<std::int32_t>(merge_elements, value);
}

const MergeMember& member(MergeSwarm& swarm, std::size_t node) {
  const auto& members = swarm[0].manifest->members;
  return *std::ranges::find(members, swarm[node].id, &MergeMember::id);
}

TEST(MergeExcluded, ANodeWithNothingToGiveIsNotWaitedForAndTakesTheResult) {
  MergeSwarm swarm(4);
  swarm[2].is_sound = false;
  swarm.link_all();
  swarm.propose(0, name(1), first(4));
  swarm.settle();
  expect_merged(swarm, first(4));
  // weights 1, 2, 4 on values 100, 200, 400
  EXPECT_EQ(swarm[0].adopted, everywhere(300));
  EXPECT_EQ(swarm[0].manifest->contributors.size(), 3U);
  EXPECT_EQ(swarm[0].manifest->members.size(), 4U);
  EXPECT_EQ(member(swarm, 2).weight, 0U);
  EXPECT_EQ(member(swarm, 3).weight, 4U);
  EXPECT_EQ(swarm[0].manifest->attestations.size(), 4U);
}

TEST(MergeExcluded, ANodeWithNothingToGivePassesPartsOn) {
  MergeSwarm swarm(5);
  for (std::size_t i = 1; i < 5; ++i) swarm.link(i - 1, i);
  swarm[2].is_sound = false;
  swarm.propose(0, name(1), first(5));
  swarm.settle();
  expect_merged(swarm, first(5));
  // (1*100 + 2*200 + 4*400 + 5*500) / 12
  EXPECT_EQ(swarm[0].adopted, everywhere(383));
  EXPECT_EQ(swarm[4].manifest->contributors.size(), 4U);
}

TEST(MergeExcluded, AProposerWithNothingToGiveLeadsTheMergeOfTheOthers) {
  MergeSwarm swarm(3);
  swarm[0].is_sound = false;
  swarm.link_all();
  swarm.propose(0, name(1), first(3));
  swarm.settle();
  expect_merged(swarm, first(3));
  EXPECT_EQ(swarm[0].adopted, everywhere(260)) << "(2*200 + 3*300) / 5";
}

TEST(MergeExcluded, WhereTheOthersAgreeTheirModelTravelsToTheOneThatHasNone) {
  MergeSwarm swarm(3);
  swarm.link_all();
  for (std::size_t i = 0; i < 3; ++i) swarm[i].vector.assign(merge_elements, 7);
  swarm[1].is_sound = false;
  swarm.propose(0, name(1), first(3));
  swarm.settle();
  expect_merged(swarm, first(3));
  EXPECT_EQ(swarm[1].adopted, everywhere(7));
}

TEST(MergeExcluded, WhereNobodyHasASoundModelTheMergeFailsAtOnce) {
  MergeSwarm swarm(3);
  swarm.link_all();
  for (std::size_t i = 0; i < 3; ++i) swarm[i].is_sound = false;
  swarm.propose(0, name(1), first(3));
  swarm.settle();
  ASSERT_TRUE(swarm[0].machine.failed());
  EXPECT_NE(swarm[0].machine.failure().find("none of its 3 members"), std::string::npos)
      << swarm[0].machine.failure();
}

TEST(MergeExcluded, TooFewWithASoundModelAreNoQuorum) {
  MergeSwarm swarm(4);
  swarm.link_all();
  swarm.with(0, [](Merge& merge, MergeOutput) { merge.set_nodes_seen(4); });
  swarm[2].is_sound = swarm[3].is_sound = false;
  swarm.propose(0, name(1), first(4));
  swarm.settle();
  ASSERT_TRUE(swarm[0].machine.failed());
  EXPECT_NE(swarm[0].machine.failure().find("2 of 4"), std::string::npos)
      << swarm[0].machine.failure();
}

TEST(MergeExcluded, ANodeMayBeSoundInTheNextMerge) {
  MergeSwarm swarm(2);
  swarm.link_all();
  swarm[0].is_sound = swarm[1].is_sound = false;
  swarm.propose(0, name(1), first(2));
  swarm.pass(60s);
  ASSERT_TRUE(swarm[0].machine.failed() && swarm[1].machine.failed());
  swarm[0].is_sound = swarm[1].is_sound = true;
  swarm.propose(1, name(2), first(2));
  swarm.settle();
  expect_merged(swarm, first(2));
  EXPECT_EQ(swarm[0].manifest->contributors.size(), 2U);
}

}  // namespace
}  // namespace starling::protocol
