#include "protocol/merge/slice_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "protocol/limits.h"
#include "tests/support/virtual_network.h"

namespace starling::protocol {
namespace {

using testing::test_id;

constexpr std::size_t slice_min = limits::merge_slice_bytes_min;

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
  EXPECT_EQ(SlicePlan(2 * slice_min - 4).count(), 1U);
  EXPECT_EQ(SlicePlan(2 * slice_min).count(), 2U);
  EXPECT_EQ(SlicePlan(slice_min * (limits::merge_slices_max + 9)).count(),
            limits::merge_slices_max);
}

TEST(SlicePlan, CutsTheVectorAtWholeElementsIntoPiecesThatMakeItUp) {
  Bytes vector(3 * slice_min + 20);  // no multiple of three elements
  for (std::size_t i = 0; i < vector.size(); ++i) vector[i] = static_cast<std::uint8_t>(i % 251);
  const SlicePlan plan(vector.size());
  ASSERT_EQ(plan.count(), 3U);
  Bytes joined;
  for (std::uint32_t slice = 0; slice < plan.count(); ++slice) {
    EXPECT_EQ(plan.offset(slice), joined.size());
    EXPECT_EQ(plan.offset(slice) % 4, 0U);
    const Bytes piece = plan.cut(vector, slice);
    EXPECT_EQ(piece.size(), plan.size(slice));
    joined.insert(joined.end(), piece.begin(), piece.end());
  }
  EXPECT_EQ(joined, vector);
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
