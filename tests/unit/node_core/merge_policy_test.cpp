// Who proposes the final merge, and when.

#include "node/core/merge_policy.h"

#include <gtest/gtest.h>

#include "tests/support/overlay_node.h"

namespace starling::node {
namespace {

using namespace std::chrono_literals;
using testing::test_id;

constexpr Duration turn_time = 10s;

Instant at(Duration since_start) {
  return {since_start};
}

Roll finished_roll() {
  Roll roll({.nodes_expected = 3, .patience = 600s, .gone_after = 900s});
  for (std::size_t i = 1; i <= 3; ++i) {
    roll.heard(test_id(i), {.address = {}, .incarnation = 1, .step = 9, .finished = true}, at(0s));
  }
  return roll;
}

/// The rank of test_id(i) among all: ids are digests, their order is arbitrary.
std::int64_t rank_of(const Roll& roll, std::size_t i) {
  return std::distance(roll.present().begin(), roll.present().find(test_id(i)));
}

TEST(MergePolicy, TheLowestIdProposesAndTheNextAfterItsTurn) {
  const Roll roll = finished_roll();
  for (std::size_t i = 1; i <= 3; ++i) {
    MergePolicy policy(test_id(i), turn_time);
    EXPECT_EQ(policy.is_due(roll, at(0s), at(1s)), rank_of(roll, i) == 0);
    EXPECT_EQ(policy.next_deadline(), at(1s + rank_of(roll, i) * turn_time));
  }
}

TEST(MergePolicy, AWaitForAllDoesNotMakeEveryonePropose) {
  const Roll roll = finished_roll();
  for (std::size_t i = 1; i <= 3; ++i) {
    MergePolicy policy(test_id(i), turn_time);
    EXPECT_FALSE(policy.is_due(roll, at(100s), at(1s)));
    EXPECT_EQ(policy.is_due(roll, at(100s), at(100s)), rank_of(roll, i) == 0);
  }
}

TEST(MergePolicy, AFailedMergeIsFollowedByAnotherATurnLater) {
  const Roll roll = finished_roll();
  for (std::size_t i = 1; i <= 3; ++i) {
    if (rank_of(roll, i) > 0) continue;
    MergePolicy policy(test_id(i), turn_time);
    EXPECT_TRUE(policy.is_due(roll, at(0s), at(1s)));
    policy.failed(at(2s));
    EXPECT_FALSE(policy.is_due(roll, at(0s), at(2s)));
    EXPECT_EQ(policy.next_deadline(), at(2s + turn_time));
  }
}

TEST(MergePolicy, StartsAgainWhenSomeoneTrainsOn) {
  Roll roll = finished_roll();
  MergePolicy policy(test_id(1), turn_time);
  EXPECT_FALSE(policy.is_due(roll, at(50s), at(1s)));
  roll.heard(test_id(2), {.address = {}, .incarnation = 2, .step = 3, .finished = false}, at(2s));
  EXPECT_FALSE(policy.is_due(roll, at(50s), at(3s)));
  EXPECT_EQ(policy.next_deadline(), Instant::never());
}

}  // namespace
}  // namespace starling::node
