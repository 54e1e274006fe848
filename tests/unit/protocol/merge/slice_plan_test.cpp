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

std::vector<NodeId> members(std::size_t count) {
  std::vector<NodeId> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(test_id(i));
  return ids;
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

TEST(RendezvousOrder, IsTheSameForAllWhoeverTheyNameFirst) {
  std::vector<NodeId> ids = members(20);
  const std::vector<NodeId> order = rendezvous_order(Digest{{1}}, 3, ids);
  EXPECT_TRUE(std::ranges::is_permutation(order, ids));
  std::ranges::reverse(ids);
  EXPECT_EQ(rendezvous_order(Digest{{1}}, 3, ids), order);
}

TEST(RendezvousOrder, DiffersFromSliceToSliceAndFromMergeToMerge) {
  const std::vector<NodeId> ids = members(20);
  EXPECT_NE(rendezvous_order(Digest{{1}}, 0, ids), rendezvous_order(Digest{{1}}, 1, ids));
  EXPECT_NE(rendezvous_order(Digest{{1}}, 0, ids), rendezvous_order(Digest{{2}}, 0, ids));
  std::set<NodeId> owners;
  for (std::uint32_t slice = 0; slice < 64; ++slice) {
    owners.insert(rendezvous_order(Digest{{1}}, slice, ids).front());
  }
  EXPECT_GT(owners.size(), 10U) << "the work is spread";
}

TEST(RendezvousOrder, OfTheOthersStaysWhenAMemberLeaves) {
  std::vector<NodeId> ids = members(20);
  std::vector<NodeId> order = rendezvous_order(Digest{{1}}, 5, ids);
  const NodeId gone = order[7];
  std::erase(ids, gone);
  std::erase(order, gone);
  EXPECT_EQ(rendezvous_order(Digest{{1}}, 5, ids), order);
}

}  // namespace
}  // namespace starling::protocol
