#include "protocol/merge/slice_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "crypto/digest.h"
#include "protocol/limits.h"
#include "protocol/merge/merge_block.h"
#include "tests/support/virtual_network.h"

namespace starling::protocol {
namespace {

using testing::test_id;

/// Values.
constexpr std::size_t slice_min = limits::merge_slice_bytes_min / merged_value_bytes;

Roster members(std::size_t count) {
  Roster roster;
  for (std::size_t i = 0; i < count; ++i) roster.members.push_back({.id = test_id(i)});
  std::ranges::sort(roster.members, {}, &RosterMember::id);
  return roster;
}

std::vector<NodeId> order_of(std::uint8_t merge, std::uint32_t slice, const Roster& roster) {
  std::vector<NodeId> order;
  for (const Member member : rendezvous_order(Digest{{merge}}, slice, roster)) {
    order.push_back(roster.members[member].id);
  }
  return order;
}

TEST(SlicePlan, CutsNoSliceBelowTheLeastSizeAndNoMoreThanTheMost) {
  EXPECT_EQ(SlicePlan(0).count(), 1U);
  EXPECT_EQ(SlicePlan(2 * slice_min - 1).count(), 1U);
  EXPECT_EQ(SlicePlan(2 * slice_min).count(), 2U);
  EXPECT_EQ(SlicePlan(slice_min * (limits::merge_slices_max + 9)).count(),
            limits::merge_slices_max);
}

TEST(SlicePlan, CutsTheVectorAtBlocksIntoPiecesThatMakeItUp) {
  for (const std::size_t values : {std::size_t{1}, 3 * slice_min + 5, std::size_t{1'000'000'007}}) {
    const SlicePlan plan(values);
    std::size_t at = 0;
    for (std::uint32_t slice = 0; slice < plan.count(); ++slice) {
      EXPECT_EQ(plan.first(slice), at);
      EXPECT_EQ(at % merge_block_values, 0U);
      EXPECT_GT(plan.values(slice), 0U);
      EXPECT_LE(plan.values(slice), plan.values_max());
      EXPECT_EQ(plan.size(slice), 4 * plan.values(slice));
      at += plan.values(slice);
    }
    EXPECT_EQ(at, values);
  }
}

TEST(SlicePlan, OfABillionValuesHasSlicesThatFitTheWindowManyTimes) {
  EXPECT_LE(4 * SlicePlan(1'000'000'000).values_max(), limits::merge_window_bytes / 8);
}

TEST(SlicePlan, NamesAVectorByItsSlices) {
  Bytes vector(4 * (2 * slice_min + 3));
  for (std::size_t i = 0; i < vector.size(); ++i) vector[i] = static_cast<std::uint8_t>(i % 251);
  const SlicePlan plan(vector.size() / 4);
  ASSERT_EQ(plan.count(), 2U);
  const std::vector<Digest> slices = {crypto::digest_of(ByteSpan(vector).first(plan.size(0))),
                                      crypto::digest_of(ByteSpan(vector).subspan(plan.size(0)))};
  EXPECT_EQ(digest_by_slices(vector), digest_of_slices(slices));
  EXPECT_NE(digest_of_slices(slices), digest_of_slices(std::vector{slices[1], slices[0]}));
  EXPECT_EQ(digest_by_slices(Bytes(8, 1)), crypto::digest_of(Bytes(8, 1))) << "one slice is all";
}

TEST(RendezvousOrder, NamesEveryMemberOnce) {
  std::vector<Member> order = rendezvous_order(Digest{{1}}, 3, members(20));
  std::ranges::sort(order);
  for (Member member = 0; member < 20; ++member) EXPECT_EQ(order[member], member);
}

TEST(RendezvousOrder, DiffersFromSliceToSliceAndFromMergeToMerge) {
  const Roster roster = members(20);
  EXPECT_NE(order_of(1, 0, roster), order_of(1, 1, roster));
  EXPECT_NE(order_of(1, 0, roster), order_of(2, 0, roster));
  std::set<NodeId> roots;
  for (std::uint32_t slice = 0; slice < 64; ++slice) {
    roots.insert(order_of(1, slice, roster).front());
  }
  EXPECT_GT(roots.size(), 10U) << "the work is spread";
}

TEST(RendezvousOrder, OfTheOthersStaysWhenAMemberLeaves) {
  Roster roster = members(20);
  std::vector<NodeId> order = order_of(1, 5, roster);
  const NodeId gone = order[7];
  std::erase_if(roster.members, [&](const RosterMember& member) { return member.id == gone; });
  std::erase(order, gone);
  EXPECT_EQ(order_of(1, 5, roster), order);
}

}  // namespace
}  // namespace starling::protocol
