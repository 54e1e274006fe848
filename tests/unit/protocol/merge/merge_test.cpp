// The final merge among a few machines. Announcements reach everyone, bulk needs a link.

#include "protocol/merge/merge.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "crypto/digest.h"
#include "tests/support/merge_swarm.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::merge_elements;
using testing::MergeSwarm;

Digest name(std::uint8_t fill) {
  return *Digest::from_bytes(Bytes(32, fill));
}

void expect_merged(MergeSwarm& swarm, const std::vector<std::size_t>& nodes) {
  for (const std::size_t node : nodes) {
    ASSERT_TRUE(swarm[node].manifest) << "node " << node << " did not finish";
    EXPECT_EQ(swarm[node].manifest->model, swarm[nodes[0]].manifest->model);
    EXPECT_EQ(swarm[node].adopted, swarm[nodes[0]].adopted);
  }
}

/// The node that owns `slice` in a merge of these members, computed anew from the definition.
std::size_t owner_of(MergeSwarm& swarm, const Digest& merge, std::uint32_t slice) {
  std::map<Digest, std::size_t> order;
  for (std::size_t i = 0; i < swarm.size(); ++i) {
    Bytes input(merge.bytes.begin(), merge.bytes.end());
    input.insert(input.end(), {static_cast<std::uint8_t>(slice), 0, 0, 0});
    input.insert(input.end(), swarm[i].id.bytes.begin(), swarm[i].id.bytes.end());
    order[crypto::digest_of(input)] = i;
  }
  return order.begin()->second;
}

TEST(Merge, AllMembersAdoptTheWeightedMean) {
  MergeSwarm swarm(4);
  swarm.link_all();
  swarm.propose(0, name(1), {0, 1, 2, 3});
  swarm.settle();
  expect_merged(swarm, {0, 1, 2, 3});
  // weights 1, 2, 3, 4 on values 100, 200, 300, 400
  EXPECT_EQ(swarm[0].adopted, std::vector<std::int32_t>(merge_elements, 300));
  EXPECT_EQ(swarm[0].manifest->members.size(), 4U);
  EXPECT_EQ(swarm[0].manifest->attestations.size(), 4U);
  ASSERT_EQ(swarm[0].manifest->slices.size(), 3U);
  for (const MergeSlice& slice : swarm[0].manifest->slices) {
    EXPECT_EQ(slice.contributors.size(), 4U);
  }
}

TEST(Merge, CostsANodeAboutTwoVectors) {
  MergeSwarm swarm(4);
  swarm.link_all();
  swarm.propose(0, name(1), {0, 1, 2, 3});
  swarm.settle();
  // Each value goes to its owner and back from it, but an owner sends nothing to itself.
  EXPECT_EQ(swarm.bulk_bytes, 2 * (swarm.size() - 1) * merge_elements * 4);
}

TEST(Merge, MembersWithoutALinkDialEachOther) {
  MergeSwarm swarm(5);
  swarm.propose(2, name(1), {0, 1, 2, 3, 4});
  swarm.settle();
  expect_merged(swarm, {0, 1, 2, 3, 4});
}

TEST(Merge, EqualDigestsNeedNoBulk) {
  MergeSwarm swarm(3);
  swarm.link_all();
  for (std::size_t i = 0; i < 3; ++i) swarm[i].vector.assign(merge_elements, 7);
  swarm.propose(0, name(1), {0, 1, 2});
  swarm.settle();
  expect_merged(swarm, {0, 1, 2});
  EXPECT_EQ(swarm.bulk_messages, 0U);
  EXPECT_TRUE(swarm[0].manifest->slices.empty());
}

TEST(Merge, ASilentNodeIsLeftOutAtTheDeadline) {
  MergeSwarm swarm(4);
  swarm.link_all();
  swarm[3].is_alive = false;
  swarm.propose(0, name(1), {0, 1, 2, 3});
  swarm.pass(19s);
  EXPECT_FALSE(swarm[0].manifest);
  swarm.pass(2s);
  expect_merged(swarm, {0, 1, 2});
  EXPECT_EQ(swarm[0].manifest->members.size(), 3U);
}

TEST(Merge, AnOwnerThatDiesBeforeItsResultIsReplaced) {
  MergeSwarm swarm(4);
  const std::size_t owner = owner_of(swarm, name(1), 0);
  const std::size_t proposer = owner == 0 ? 1 : 0;
  swarm.lose_bulk = [owner](std::size_t, std::size_t to, const Bulk& bulk) {
    return to == owner && bulk.kind == BulkKind::merge_slice;
  };
  swarm.link_all();
  swarm.propose(proposer, name(1), {0, 1, 2, 3});
  swarm.settle();
  EXPECT_FALSE(swarm[proposer].manifest);
  swarm.crash(owner);
  swarm.settle();
  swarm.pass(6s);  // the word of the dead member on the digest is not waited for longer
  std::vector<std::size_t> living = {0, 1, 2, 3};
  std::erase(living, owner);
  expect_merged(swarm, living);
  EXPECT_EQ(swarm[proposer].manifest->slices[0].contributors.size(), 3U);
  EXPECT_EQ(swarm[proposer].manifest->members.size(), 4U);
}

TEST(Merge, TheResultOfAnOwnerThatDiesAfterwardsComesFromAnotherMember) {
  MergeSwarm swarm(4);
  const std::size_t owner = owner_of(swarm, name(1), 0);
  const std::size_t unlucky = owner == 3 ? 2 : 3;
  const std::size_t proposer = owner == 0 ? 1 : 0;
  swarm.lose_bulk = [=](std::size_t from, std::size_t to, const Bulk& bulk) {
    return from == owner && to == unlucky && bulk.kind == BulkKind::merged_slice;
  };
  swarm.link_all();
  swarm.propose(proposer, name(1), {0, 1, 2, 3});
  swarm.settle();
  EXPECT_TRUE(swarm[unlucky].adopted.empty());
  swarm.crash(owner);
  swarm.pass(6s);
  EXPECT_EQ(swarm[unlucky].adopted, swarm[proposer].adopted);
  ASSERT_TRUE(swarm[unlucky].manifest);
  EXPECT_EQ(swarm[unlucky].manifest->model, swarm[proposer].manifest->model);
}

TEST(Merge, AResultReachesAMemberWhoseLinkOpensAfterTheOwnerHasAdopted) {
  MergeSwarm swarm(3);
  swarm.lose_bulk = [](std::size_t, std::size_t to, const Bulk& bulk) {
    return to == 2 && bulk.kind == BulkKind::merged_slice;
  };
  swarm.link_all();
  swarm.propose(0, name(1), {0, 1, 2});
  swarm.settle();
  EXPECT_TRUE(swarm[2].adopted.empty());
  swarm.lose_bulk = {};
  swarm.link(0, 2);
  swarm.link(1, 2);
  swarm.settle();
  EXPECT_EQ(swarm[2].adopted, swarm[0].adopted);
}

TEST(Merge, AProposerThatDiesBeforeItsRosterLeavesTheOthersFreeToProposeAgain) {
  MergeSwarm swarm(3);
  swarm.link_all();
  swarm.hold_announcement = [](std::size_t, const Announcement& content) {
    return std::holds_alternative<MergeCommitment>(content);
  };
  swarm.propose(0, name(1), {0, 1, 2});
  swarm.settle();
  swarm.crash(0);
  swarm.pass(39s);
  EXPECT_TRUE(swarm[1].machine.running());
  swarm.pass(2s);
  EXPECT_TRUE(swarm[1].machine.failed());
  EXPECT_TRUE(swarm[2].machine.failed());
  swarm.hold_announcement = {};
  swarm.propose(1, name(2), {1, 2});
  swarm.settle();
  expect_merged(swarm, {1, 2});
  EXPECT_EQ(swarm[1].manifest->merge, name(2));
}

TEST(Merge, OfTwoProposalsAllFollowTheSmallerName) {
  MergeSwarm swarm(4);
  swarm.link_all();
  swarm.propose(0, name(9), {0, 1, 2, 3});
  swarm.propose(3, name(4), {0, 1, 2, 3});
  swarm.settle();
  expect_merged(swarm, {0, 1, 2, 3});
  EXPECT_EQ(swarm[0].manifest->merge, name(4));
}

TEST(Merge, ANodeOutsideTheRosterAdoptsTheResultAtOnce) {
  MergeSwarm swarm(4);
  swarm[3].contributes = false;
  swarm.link_all();
  swarm.propose(0, name(1), {0, 1, 2});
  swarm.settle();
  EXPECT_EQ(swarm[3].adopted, swarm[0].adopted);
  ASSERT_TRUE(swarm[3].manifest);
  EXPECT_EQ(swarm[3].manifest->members.size(), 3U);
}

TEST(Merge, AFlockTooLargeForOneRosterStillEndsWithOneModel) {
  MergeSwarm swarm(200);
  std::vector<std::size_t> all(swarm.size());
  std::iota(all.begin(), all.end(), 0);
  for (const std::size_t i : all) swarm[i].vector.assign(merge_elements, 7);
  swarm.propose(0, name(1), all);
  swarm.settle();
  for (const std::size_t i : all) EXPECT_EQ(swarm[i].adopted, swarm[0].adopted) << i;
  EXPECT_GT(swarm[0].manifest->members.size(), 100U);
  EXPECT_LT(swarm[0].manifest->members.size(), 200U);
}

TEST(Merge, ANodeOutsideTheRosterThatGetsALinkOnlyNowIsNoOwner) {
  MergeSwarm swarm(4);
  swarm[3].contributes = false;
  swarm.propose(0, name(1), {0, 1, 2});
  swarm.settle();
  EXPECT_EQ(swarm[3].adopted, swarm[0].adopted);
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
  swarm.propose(0, name(1), {0, 1, 2});
  swarm.settle();
  ASSERT_EQ(held.size(), 1U);
  EXPECT_FALSE(swarm[2].manifest);
  swarm.with(2, [&](Merge& merge, MergeOutput output) {
    merge.on_announcement(swarm[0].id, held[0], {}, output);
  });
  swarm.settle();
  expect_merged(swarm, {0, 1, 2});
}

TEST(Merge, ARosterFromAnyoneButTheProposerIsIgnored) {
  MergeSwarm swarm(2);
  swarm.link_all();
  swarm.hold_announcement = [](std::size_t to, const Announcement& content) {
    return to == 0 && std::holds_alternative<MergeCommitment>(content);
  };
  swarm.propose(0, name(1), {0, 1});
  swarm.settle();
  swarm.with(0, [&](Merge& merge, MergeOutput output) {
    const MergeRoster forged{.merge = name(1), .members = {swarm[1].id}, .commitments = {{}}};
    merge.on_announcement(swarm[1].id, forged, {}, output);
  });
  EXPECT_TRUE(swarm[0].machine.running());
  swarm.settle();
  EXPECT_FALSE(swarm[0].manifest);
}

TEST(Merge, ARosterThatNamesANodeWithoutAVectorDoesNoHarm) {
  MergeSwarm swarm(2);
  swarm[1].contributes = false;
  swarm.link_all();
  swarm.hold_announcement = [](std::size_t, const Announcement& content) {
    return std::holds_alternative<MergeRoster>(content);
  };
  swarm.propose(0, name(1), {0, 1});
  swarm.settle();
  const MergeCommitment commitment{
      .merge = name(1), .address = {}, .weight = 1, .step = 0, .digest = {}};
  swarm.with(1, [&](Merge& merge, MergeOutput output) {
    const MergeRoster roster{
        .merge = name(1), .members = {swarm[1].id}, .commitments = {commitment}};
    merge.on_announcement(swarm[0].id, roster, {}, output);
    merge.on_link_up(swarm[0].id, output);
    EXPECT_TRUE(output.requests.empty());
  });
  EXPECT_FALSE(swarm[1].manifest);
}

TEST(Merge, ASliceWithAWrongDigestIsNotAdopted) {
  MergeSwarm swarm(3);
  swarm.link_all();
  swarm.lose_bulk = [](std::size_t, std::size_t to, const Bulk& bulk) {
    return to == 2 && bulk.kind == BulkKind::merged_slice && bulk.number == 0;
  };
  swarm.propose(0, name(1), {0, 1, 2});
  swarm.settle();
  const std::size_t bytes = merge_elements * 4 / 3 / 4 * 4;
  if (swarm[2].adopted.empty()) {
    swarm.with(2, [&](Merge& merge, MergeOutput output) {
      merge.on_slice(swarm[0].id,
                     Bulk{.kind = BulkKind::merged_slice,
                          .number = 0,
                          .step = 500,
                          .degree = 0,
                          .context = name(1),
                          .data = Bytes(bytes)},
                     output);
      EXPECT_TRUE(output.requests.empty());
    });
    EXPECT_TRUE(swarm[2].adopted.empty());
  }
  swarm.lose_bulk = {};
  swarm.pass(31s);
  EXPECT_EQ(swarm[2].adopted, swarm[0].adopted) << "the true slice is asked for in time";
}

}  // namespace
}  // namespace starling::protocol
