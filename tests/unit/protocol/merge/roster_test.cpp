#include "protocol/merge/roster.h"

#include <gtest/gtest.h>

#include "protocol/limits.h"
#include "starling/rng.h"
#include "tests/support/virtual_network.h"

namespace starling::protocol {
namespace {

using testing::test_id;

/// A ring, with steps and weights of all lengths.
std::map<NodeId, MergeCommitment> ring(std::size_t count) {
  std::map<NodeId, MergeCommitment> commitments;
  for (std::size_t i = 0; i < count; ++i) {
    commitments[test_id(i)] = {.merge = {},
                               .weight = std::uint64_t{1} << (i % 21),
                               .step = std::uint64_t{1} << (i % 64),
                               .digest = Digest{{static_cast<std::uint8_t>(i)}},
                               .nodes_seen = static_cast<std::uint32_t>(i),
                               .neighbours = {test_id((i + 1) % count)}};
  }
  return commitments;
}

std::size_t edges_of(const Roster& roster) {
  std::size_t edges = 0;
  for (const RosterMember& member : roster.members) edges += member.edges.size();
  return edges;
}

TEST(Roster, NamesEachEdgeOnceThoughOnlyOneEndDid) {
  const Roster roster = roster_of(ring(10), 3);
  EXPECT_EQ(edges_of(roster), 10U);
  EXPECT_EQ(roster.nodes_seen, 9U) << "the most that any member has seen";
  const Member here = *roster.find(test_id(4));
  const Member there = *roster.find(test_id(5));
  const auto& edges = roster.members[std::min(here, there)].edges;
  EXPECT_NE(std::ranges::find(edges, std::max(here, there)), edges.end());
}

TEST(Roster, LeavesOutEdgesToNodesThatAreNoMembersAndToItself) {
  auto commitments = ring(3);
  commitments[test_id(0)].neighbours = {test_id(0), test_id(77)};
  EXPECT_EQ(edges_of(roster_of(commitments, 0)), 2U);
}

TEST(Roster, HasNoMoreMembersThanTheLimit) {
  const Roster roster = roster_of(ring(limits::merge_members_max + 5), 0);
  EXPECT_EQ(roster.members.size(), limits::merge_members_max);
  EXPECT_EQ(decode_roster(encode_roster(roster)), roster);
}

TEST(Roster, ClipsWeightsSoThatSumsFitAndKeepsThoseThatGiveNothing) {
  auto commitments = ring(2);
  commitments[test_id(0)].weight = 0;
  commitments[test_id(1)].weight = std::uint64_t{1} << 40U;
  const Roster roster = roster_of(commitments, 0);
  EXPECT_EQ(roster.members[*roster.find(test_id(0))].weight, 0U);
  EXPECT_EQ(roster.members[*roster.find(test_id(1))].weight, limits::merge_weight_max);
}

TEST(Roster, ReadsBackWhatItWrote) {
  for (const std::size_t count : {1U, 2U, 9U, 200U}) {
    const Roster roster = roster_of(ring(count), 7);
    EXPECT_EQ(decode_roster(encode_roster(roster)), roster) << count;
  }
}

TEST(Roster, OfAThousandMembersOfAnOverlayTakesAboutSixtyBytesEach) {
  auto commitments = ring(1000);
  Rng rng(1);
  for (auto& [id, commitment] : commitments) {
    commitment.weight = 1;
    commitment.step = 50;
    commitment.neighbours.clear();
    for (int i = 0; i < 4; ++i) commitment.neighbours.push_back(test_id(rng.below(1000)));
  }
  EXPECT_LE(encode_roster(roster_of(commitments, 1000)).size(), 60'000U);
}

TEST(Roster, CutShortOrWithMoreBehindItIsNone) {
  const Bytes bytes = encode_roster(roster_of(ring(5), 0));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_roster(ByteSpan(bytes).first(size))) << size;
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(decode_roster(longer));
}

TEST(Roster, WithMembersOutOfOrderIsNone) {
  Roster roster = roster_of(ring(3), 0);
  for (RosterMember& member : roster.members) member.edges.clear();
  std::swap(roster.members[0], roster.members[1]);
  EXPECT_FALSE(decode_roster(encode_roster(roster)));
  roster.members[1] = roster.members[0];
  EXPECT_FALSE(decode_roster(encode_roster(roster))) << "a member named twice";
}

TEST(Roster, WithAnEdgeBackwardsTwiceOrToNobodyIsNone) {
  Roster roster = roster_of(ring(3), 0);
  for (RosterMember& member : roster.members) member.edges.clear();
  for (const std::vector<Member>& edges :
       std::initializer_list<std::vector<Member>>{{0}, {1}, {2, 2}, {3}}) {
    roster.members[1].edges = edges;
    EXPECT_FALSE(decode_roster(encode_roster(roster))) << edges.front();
  }
  roster.members[1].edges = {2};
  EXPECT_TRUE(decode_roster(encode_roster(roster)));
}

TEST(Roster, WithAWeightBeyondTheLimitIsNone) {
  Roster roster = roster_of(ring(1), 0);
  for (const std::uint64_t weight : {std::uint64_t{0}, limits::merge_weight_max}) {
    roster.members[0].weight = weight;
    EXPECT_EQ(decode_roster(encode_roster(roster)), roster) << weight;
  }
  roster.members[0].weight = limits::merge_weight_max + 1;
  EXPECT_FALSE(decode_roster(encode_roster(roster)));
}

TEST(Roster, ThatClaimsMoreMembersThanItsBytesHoldIsRefusedBeforeMemoryIsTaken) {
  EXPECT_FALSE(decode_roster(Bytes{0xFF, 0x03, 0, 0, 0, 0}));
  EXPECT_FALSE(decode_roster(Bytes(limits::merge_roster_bytes_max + 1)));
}

}  // namespace
}  // namespace starling::protocol
