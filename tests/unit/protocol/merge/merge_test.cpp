// The final merge among a few machines, from the proposal to the manifest.

#include "protocol/merge/merge.h"

#include <gtest/gtest.h>

#include "tests/support/merge_checks.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::bulk_of;
using testing::expect_merged;
using testing::first;
using testing::merge_elements;
using testing::MergeSwarm;
using testing::name;
using testing::root_of;

TEST(Merge, AllMembersAdoptTheWeightedMean) {
  MergeSwarm swarm(4);
  swarm.link_all();
  swarm.propose(0, name(1), first(4));
  swarm.settle();
  expect_merged(swarm, first(4));
  // weights 1, 2, 3, 4 on values 100, 200, 300, 400
  EXPECT_EQ(swarm[0].adopted, std::vector<std::int32_t>(merge_elements, 300));
  EXPECT_EQ(swarm[0].manifest->members.size(), 4U);
  EXPECT_EQ(swarm[0].manifest->attestations.size(), 4U);
  ASSERT_EQ(swarm[0].manifest->slices.size(), 3U);
  for (const MergeSlice& slice : swarm[0].manifest->slices) {
    EXPECT_EQ(slice.contributors.size(), 4U);
  }
}

TEST(Merge, OfAllLinkedNodesCostsANodeAboutTwoVectors) {
  MergeSwarm swarm(4);
  swarm.link_all();
  swarm.propose(0, name(1), first(4));
  swarm.settle();
  // Each value goes to its root and back from it, but a root sends nothing to itself.
  const std::size_t values = 2 * (swarm.size() - 1) * merge_elements * 4;
  EXPECT_GE(swarm.bulk_bytes, values);
  EXPECT_LE(swarm.bulk_bytes, values + 2000) << "the roster, and heads of parts";
}

TEST(Merge, OfALineTravelsOverItsLinks) {
  MergeSwarm swarm(5);
  for (std::size_t i = 1; i < 5; ++i) swarm.link(i - 1, i);
  swarm.propose(2, name(1), first(5));
  swarm.settle();
  expect_merged(swarm, first(5));
  // (1*100 + 2*200 + ... + 5*500) / 15
  EXPECT_EQ(swarm[0].adopted, std::vector<std::int32_t>(merge_elements, 366));
  EXPECT_EQ(swarm[0].manifest->contributors.size(), 5U);
}

// One public node, all others behind NAT: no two of them can reach each other.
TEST(Merge, OfNodesThatReachOnlyACommonOneGivesAllTheSameModel) {
  MergeSwarm swarm(6);
  for (std::size_t i = 1; i < 6; ++i) swarm.link(0, i);
  swarm.propose(3, name(1), first(6));
  swarm.settle();
  expect_merged(swarm, first(6));
  EXPECT_EQ(swarm[5].manifest->contributors.size(), 6U);
  EXPECT_EQ(swarm[5].manifest->attestations.size(), 6U);
}

TEST(Merge, EqualDigestsNeedNoSlice) {
  MergeSwarm swarm(3);
  swarm.link_all();
  for (std::size_t i = 0; i < 3; ++i) swarm[i].vector.assign(merge_elements, 7);
  swarm.propose(0, name(1), first(3));
  swarm.settle();
  expect_merged(swarm, first(3));
  EXPECT_LT(swarm.bulk_bytes, 1000U) << "the roster";
  EXPECT_TRUE(swarm[0].manifest->slices.empty());
  EXPECT_EQ(swarm[0].manifest->contributors.size(), 3U);
}

TEST(Merge, ASilentNodeIsLeftOutAtTheDeadline) {
  MergeSwarm swarm(4);
  swarm.link_all();
  swarm[3].is_alive = false;
  swarm.propose(0, name(1), first(4));
  swarm.pass(19s);
  EXPECT_FALSE(swarm[0].manifest);
  swarm.pass(2s);
  expect_merged(swarm, {0, 1, 2});
  EXPECT_EQ(swarm[0].manifest->members.size(), 3U);
}

TEST(Merge, ARootThatDiesBeforeItsResultIsReplaced) {
  MergeSwarm swarm(4);
  const std::size_t root = root_of(swarm, name(1), 0);
  const std::size_t proposer = root == 0 ? 1 : 0;
  swarm.lose = [root](std::size_t, std::size_t to, const Message& message) {
    return to == root && bulk_of(message, BulkKind::merge_part) != nullptr;
  };
  swarm.link_all();
  swarm.propose(proposer, name(1), first(4));
  swarm.settle();
  EXPECT_FALSE(swarm[proposer].manifest);
  swarm.crash(root);
  swarm.pass(4s);  // the dead member's word on the model is not waited for either
  std::vector<std::size_t> living = first(4);
  std::erase(living, root);
  expect_merged(swarm, living);
  EXPECT_EQ(swarm[proposer].manifest->slices[0].contributors.size(), 3U);
  EXPECT_EQ(swarm[proposer].manifest->members.size(), 4U);
}

TEST(Merge, TheResultOfARootThatDiesAfterwardsComesFromAnotherMember) {
  MergeSwarm swarm(4);
  const std::size_t root = root_of(swarm, name(1), 0);
  const std::size_t unlucky = root == 3 ? 2 : 3;
  const std::size_t proposer = root == 0 ? 1 : 0;
  swarm.lose = [=](std::size_t from, std::size_t to, const Message& message) {
    return from == root && to == unlucky && bulk_of(message, BulkKind::merged_slice) != nullptr;
  };
  swarm.link_all();
  swarm.propose(proposer, name(1), first(4));
  swarm.settle();
  EXPECT_TRUE(swarm[unlucky].adopted.empty());
  EXPECT_FALSE(swarm[proposer].manifest) << "everyone stays until all have it";
  swarm.crash(root);
  swarm.pass(10s);
  EXPECT_EQ(swarm[unlucky].adopted, swarm[proposer].adopted);
  ASSERT_TRUE(swarm[unlucky].manifest);
  EXPECT_EQ(swarm[unlucky].manifest->model, swarm[proposer].manifest->model);
}

TEST(Merge, AProposerThatDiesBeforeItsRosterLeavesTheOthersFreeToProposeAgain) {
  MergeSwarm swarm(3);
  swarm.link_all();
  swarm.lose = [](std::size_t, std::size_t, const Message& message) {
    return std::holds_alternative<MergeCommitments>(message);
  };
  swarm.propose(0, name(1), first(3));
  swarm.settle();
  swarm.crash(0);
  swarm.pass(38s);
  EXPECT_TRUE(swarm[1].machine.running());
  swarm.pass(2s);
  EXPECT_TRUE(swarm[1].machine.failed());
  EXPECT_TRUE(swarm[2].machine.failed());
  swarm.lose = {};
  swarm.propose(1, name(2), {1, 2});
  swarm.settle();
  expect_merged(swarm, {1, 2});
  EXPECT_EQ(swarm[1].manifest->merge, name(2));
}

TEST(Merge, AProposerThatDiesAfterItsRosterLeavesTheEndToAnother) {
  MergeSwarm swarm(4);
  swarm.link_all();
  swarm.hold_announcement = [](std::size_t, const Announcement& content) {
    return std::holds_alternative<MergeClosed>(content);
  };
  swarm.propose(0, name(1), first(4));
  swarm.settle();
  EXPECT_FALSE(swarm[1].manifest);
  swarm.hold_announcement = {};
  swarm.crash(0);
  swarm.pass(4s);
  expect_merged(swarm, {1, 2, 3});
  EXPECT_EQ(swarm[1].manifest->contributors.size(), 4U);
}

TEST(Merge, OfTwoProposalsAllFollowTheSmallerName) {
  MergeSwarm swarm(4);
  swarm.link_all();
  swarm.propose(0, name(9), first(4));
  swarm.propose(3, name(4), first(4));
  swarm.settle();
  expect_merged(swarm, first(4));
  EXPECT_EQ(swarm[0].manifest->merge, name(4));
}

TEST(Merge, ANodeOutsideTheRosterAdoptsTheResultToo) {
  MergeSwarm swarm(4);
  swarm[3].contributes = false;
  swarm.link_all();
  swarm.propose(0, name(1), {0, 1, 2});
  swarm.settle();
  expect_merged(swarm, first(4));
  EXPECT_EQ(swarm[3].manifest->members.size(), 3U);
}

TEST(Merge, ANodeOutsideTheRosterPassesCommitmentsOn) {
  MergeSwarm swarm(3);  // 0 - 1 - 2, and 1 has nothing to give
  swarm[1].contributes = false;
  swarm.link(0, 1);
  swarm.link(1, 2);
  swarm.propose(0, name(1), {0, 2});
  swarm.pass(8s);
  ASSERT_TRUE(swarm[0].manifest);
  EXPECT_EQ(swarm[0].manifest->members.size(), 2U);
  EXPECT_EQ(swarm[0].manifest->contributors.size(), 1U) << "only members pass parts on";
}

TEST(Merge, ANodeThatJoinsLateTakesTheResult) {
  MergeSwarm swarm(4);
  swarm[3].contributes = false;
  swarm.link(0, 1);
  swarm.link(1, 2);
  std::vector<std::pair<std::size_t, Announcement>> said;
  swarm.hold_announcement = [&](std::size_t to, const Announcement& content) {
    if (to == 2) said.emplace_back(0, content);
    return std::holds_alternative<MergeClosed>(content);  // the others stay
  };
  swarm.propose(0, name(1), {0, 1, 2});
  swarm.settle();
  swarm.link(2, 3);
  swarm.hold_announcement = {};
  // From a cache, in an order of its own. Roots' words are told under their names.
  for (auto at = said.rbegin(); at != said.rend(); ++at) {
    for (std::size_t author = 0; author < 3; ++author) {
      const bool is_proposers = !std::holds_alternative<MergeResults>(at->second);
      if (!is_proposers || author == 0) swarm.deliver_announcement(author, 3, at->second);
    }
  }
  swarm.pass(6s);
  EXPECT_EQ(swarm[3].adopted, swarm[0].adopted);
}

TEST(Merge, OfAThousandNodesNeedsEightLinksANode) {
  constexpr std::size_t count = 1000;
  constexpr std::size_t elements = 2752;  // 11 kB, as the task clusters has
  MergeSwarm swarm(count, elements);
  Rng rng(1);
  for (std::size_t i = 0; i < count; ++i) {
    swarm.link(i, (i + 1) % count);
    for (int chord = 0; chord < 3; ++chord) {
      const std::size_t other = rng.below(count);
      if (other != i) swarm.link(i, other);
    }
  }
  swarm.propose(0, name(1), first(count));
  swarm.settle();
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(swarm[i].manifest) << i;
    EXPECT_EQ(swarm[i].manifest->model, swarm[0].manifest->model) << i;
    bytes += swarm.bytes_sent[i];
  }
  EXPECT_EQ(swarm[0].manifest->contributors.size(), count);
  EXPECT_LE(bytes / count, 3 * elements * 4 + (64U << 10U)) << "the bound of issue 8";
}

TEST(Merge, SlicesThatOutrunTheRosterAreKept) {
  MergeSwarm swarm(3);
  swarm.link_all();
  std::vector<Announcement> held;
  swarm.hold_announcement = [&](std::size_t to, const Announcement& content) {
    if (to != 2 || !std::holds_alternative<MergeRoster>(content)) return false;
    held.push_back(content);
    return true;
  };
  swarm.propose(0, name(1), first(3));
  swarm.settle();
  ASSERT_EQ(held.size(), 1U);
  EXPECT_FALSE(swarm[2].manifest);
  swarm.deliver_announcement(0, 2, held[0]);
  swarm.settle();
  expect_merged(swarm, first(3));
  EXPECT_EQ(swarm[0].manifest->contributors.size(), 3U);
}

TEST(Merge, WordsOnTheModelThatOutrunTheRosterAreKept) {
  MergeSwarm swarm(3);  // 0 - 1 - 2; 2 has the roster from elsewhere before 1 has it
  swarm.link(0, 1);
  swarm.link(1, 2);
  for (std::size_t i = 0; i < 3; ++i) swarm[i].vector.assign(merge_elements, 7);
  std::optional<Bulk> roster;
  swarm.lose = [&](std::size_t, std::size_t to, const Message& message) {
    if (to == 1 && bulk_of(message, BulkKind::merge_roster) != nullptr && !roster) {
      roster = std::get<Bulk>(message);
      return true;
    }
    return false;
  };
  swarm.propose(0, name(1), first(3));
  swarm.settle();
  ASSERT_TRUE(roster);
  swarm.with(2, [&](Merge& merge, MergeOutput output) {
    merge.on_bulk(swarm[1].id, Bulk(*roster), swarm.now(), output);
  });
  swarm.pass(6s);  // 1 asks again
  expect_merged(swarm, first(3));
  EXPECT_EQ(swarm[0].manifest->attestations.size(), 3U);
}

// --- Quorum ---

TEST(Merge, OfNoMoreThanHalfOfTheNodesSeenFailsAtAll) {
  MergeSwarm swarm(4);
  swarm.link_all();
  swarm.with(2, [](Merge& merge, MergeOutput) { merge.set_nodes_seen(8); });
  swarm.propose(0, name(1), first(4));
  swarm.settle();
  for (const std::size_t node : first(4)) {
    EXPECT_TRUE(swarm[node].adopted.empty());
    ASSERT_TRUE(swarm[node].machine.failed()) << "one member has seen 8 nodes, so all know of it";
    EXPECT_NE(swarm[node].machine.failure().find("4 of 8"), std::string::npos);
  }
}

TEST(Merge, OfMoreThanHalfOfTheNodesSeenIsFinal) {
  MergeSwarm swarm(4);
  swarm.link_all();
  swarm.with(2, [](Merge& merge, MergeOutput) { merge.set_nodes_seen(7); });
  swarm.propose(0, name(1), first(4));
  swarm.settle();
  expect_merged(swarm, first(4));
  EXPECT_EQ(swarm[0].manifest->nodes_seen, 7U);
  EXPECT_FALSE(swarm[0].manifest->partial);
}

TEST(Merge, ThatAcceptsAPartialModelSaysThatItIsOne) {
  MergeSwarm swarm(2);
  swarm.link_all();
  swarm.with(0, [](Merge& merge, MergeOutput) { merge.set_nodes_seen(5); });
  swarm.propose(0, name(1), first(2), true);
  swarm.settle();
  expect_merged(swarm, first(2));
  EXPECT_TRUE(swarm[1].manifest->partial);
}

}  // namespace
}  // namespace starling::protocol
