// Who proposes the final merge, and when.

#include "node/core/merge_policy.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/instants.h"
#include "tests/support/overlay_node.h"

namespace starling::node {
namespace {

using namespace std::chrono_literals;
using testing::at;
using testing::test_id;

constexpr Duration turn_time = 10s;

Roll finished_roll() {
  Roll roll({.nodes_expected = 3, .patience = 600s, .gone_after = 900s});
  for (std::size_t i = 1; i <= 3; ++i) {
    roll.heard(test_id(i), {.address = {}, .incarnation = 1, .step = 9, .finished = true}, at(0s));
  }
  return roll;
}

MergePolicy policy_of(std::size_t self, bool accepts_partial = false) {
  return MergePolicy({.self = test_id(self),
                      .turn_time = turn_time,
                      .quorum = 0.5,
                      .accepts_partial = accepts_partial});
}

/// The rank of test_id(i) among all: ids are digests, their order is arbitrary.
std::int64_t rank_of(const Roll& roll, std::size_t i) {
  return std::distance(roll.present().begin(), roll.present().find(test_id(i)));
}

/// How many present nodes propose before test_id(i).
std::int64_t rank_below(const Roll& roll, std::size_t i) {
  return std::distance(roll.present().begin(), roll.present().lower_bound(test_id(i)));
}

TEST(MergePolicy, TheLowestIdProposesAndTheNextAfterItsTurn) {
  const Roll roll = finished_roll();
  for (std::size_t i = 1; i <= 3; ++i) {
    MergePolicy policy = policy_of(i);
    EXPECT_EQ(policy.is_due(roll, at(0s), true, at(1s)), rank_of(roll, i) == 0);
    EXPECT_EQ(policy.next_deadline(), at(1s + rank_of(roll, i) * turn_time));
  }
}

TEST(MergePolicy, AWaitForAllDoesNotMakeEveryonePropose) {
  const Roll roll = finished_roll();
  for (std::size_t i = 1; i <= 3; ++i) {
    MergePolicy policy = policy_of(i);
    EXPECT_FALSE(policy.is_due(roll, at(100s), true, at(1s)));
    EXPECT_EQ(policy.is_due(roll, at(100s), true, at(100s)), rank_of(roll, i) == 0);
  }
}

TEST(MergePolicy, AFailedMergeIsFollowedByAnotherATurnLater) {
  const Roll roll = finished_roll();
  for (std::size_t i = 1; i <= 3; ++i) {
    if (rank_of(roll, i) > 0) continue;
    MergePolicy policy = policy_of(i);
    EXPECT_TRUE(policy.is_due(roll, at(0s), true, at(1s)));
    policy.failed(at(2s));
    EXPECT_FALSE(policy.is_due(roll, at(0s), true, at(2s)));
    EXPECT_EQ(policy.next_deadline(), at(2s + turn_time));
  }
}

TEST(MergePolicy, StartsAgainWhenSomeoneTrainsOn) {
  Roll roll = finished_roll();
  MergePolicy policy = policy_of(1);
  EXPECT_FALSE(policy.is_due(roll, at(50s), true, at(1s)));
  roll.heard(test_id(2), {.address = {}, .incarnation = 2, .step = 3, .finished = false}, at(2s));
  EXPECT_FALSE(policy.is_due(roll, at(50s), true, at(3s)));
  EXPECT_EQ(policy.next_deadline(), Instant::never());
}

/// Two of the three others are gone: one by a farewell, one in silence.
Roll roll_of_two_left() {
  Roll roll = finished_roll();
  roll.heard(test_id(1), {.address = {}, .incarnation = 1, .step = 9, .leaving = true}, at(1s));
  roll.heard(test_id(2), {.address = {}, .incarnation = 1, .step = 9, .leaving = true}, at(1s));
  return roll;
}

TEST(MergePolicy, WhereNodesAreMissingItWaitsUntilNobodyComesOrGoes) {
  Roll roll = finished_roll();
  roll.remember(test_id(4));
  roll.remember(test_id(5));  // three others of five are here
  MergePolicy policy(
      {.self = test_id(6), .turn_time = turn_time, .settle_time = 20s, .settle_time_max = 600s});
  const Duration turn = rank_below(roll, 6) * turn_time;
  EXPECT_FALSE(policy.is_due(roll, at(0s), true, at(1s)));
  EXPECT_EQ(policy.next_deadline(), at(20s + turn));
  roll.heard(test_id(4), {.address = {}, .incarnation = 1, .step = 9, .finished = true}, at(15s));
  const Duration later_turn = rank_below(roll, 6) * turn_time;
  EXPECT_FALSE(policy.is_due(roll, at(0s), true, at(20s + turn)));
  EXPECT_EQ(policy.next_deadline(), at(35s + later_turn));
  EXPECT_TRUE(policy.is_due(roll, at(0s), true, at(35s + later_turn)));
}

TEST(MergePolicy, WhereNodesAlwaysComeAndGoItDoesNotWaitForEver) {
  Roll roll = finished_roll();
  roll.remember(test_id(5));
  MergePolicy policy(
      {.self = test_id(6), .turn_time = turn_time, .settle_time = 20s, .settle_time_max = 60s});
  for (auto now = 1s; now <= 200s; now += 1s) {
    // One comes every ten seconds, and leaves five seconds later.
    const bool leaves = now % 10s == 5s;
    if (leaves || now % 10s == 0s) {
      const auto process = static_cast<std::uint64_t>(now / 10s) + 1;
      roll.heard(
          test_id(4),
          {.address = {}, .incarnation = process, .step = 9, .finished = true, .leaving = leaves},
          at(now));
    }
    if (policy.is_due(roll, at(0s), true, at(now))) {
      EXPECT_GE(at(now), at(61s));
      EXPECT_LE(at(now), at(61s + 4 * turn_time));
      return;
    }
    EXPECT_GT(policy.next_deadline(), at(now));
  }
  FAIL() << "it waits for ever";
}

TEST(MergePolicy, ANodeThatHasYetToFetchWhatOthersKnowWaitsForThat) {
  const Roll roll = finished_roll();
  MergePolicy policy({.self = test_id(6), .settle_time = 20s, .settle_time_max = 60s});
  EXPECT_FALSE(policy.is_due(roll, at(0s), false, at(1s)));
  EXPECT_EQ(policy.next_deadline(), at(61s)) << "it may never be settled";
  EXPECT_TRUE(MergePolicy(policy).is_due(roll, at(0s), true, at(2s)));
  EXPECT_FALSE(policy.is_due(roll, at(0s), false, at(60s)));
  EXPECT_TRUE(policy.is_due(roll, at(0s), false, at(61s)));
}

TEST(MergePolicy, WhereAllAreHereItDoesNotWait) {
  const Roll roll = finished_roll();
  MergePolicy policy(
      {.self = test_id(6), .turn_time = turn_time, .settle_time = 1000s, .settle_time_max = 9000s});
  const Duration turn = rank_below(roll, 6) * turn_time;
  EXPECT_EQ(policy.is_due(roll, at(0s), true, at(1s)), turn == 0s);
  EXPECT_EQ(policy.next_deadline(), at(1s + turn));
}

TEST(MergePolicy, HalfOfTheNodesEverSeenAreNoQuorum) {
  const Roll roll = roll_of_two_left();  // node 3 and this one are here, of four
  MergePolicy policy = policy_of(4);
  EXPECT_FALSE(policy.has_quorum(roll));
  EXPECT_EQ(policy.needed(roll), 3U);
  EXPECT_FALSE(policy.is_due(roll, at(0s), true, at(1000s)));
  EXPECT_EQ(policy.next_deadline(), Instant::never());
}

TEST(MergePolicy, SaysForWhomItWaitsOnceForEachChange) {
  Roll roll = roll_of_two_left();
  MergePolicy policy = policy_of(4);
  EXPECT_FALSE(policy.take_missing(roll, at(5s), at(4s)));
  EXPECT_EQ(policy.next_deadline(), at(5s)) << "nobody would ask again";
  const auto missing = policy.take_missing(roll, at(5s), at(5s));
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->present, 2U);
  EXPECT_EQ(missing->needed, 3U);
  EXPECT_EQ(missing->nodes_seen, 4U);
  EXPECT_EQ(std::set(missing->missing.begin(), missing->missing.end()),
            (std::set{test_id(1), test_id(2)}));
  EXPECT_FALSE(policy.take_missing(roll, at(5s), at(6s)));
  roll.remember(test_id(9));
  EXPECT_TRUE(policy.take_missing(roll, at(5s), at(7s)));
}

TEST(MergePolicy, ProposesWithoutAQuorumOnlyIfAPartialMergeIsAccepted) {
  const Roll roll = roll_of_two_left();
  MergePolicy policy = policy_of(3);
  EXPECT_FALSE(policy.is_due(roll, at(0s), true, at(100s)));
  policy.accept_partial();
  static_cast<void>(policy.is_due(roll, at(0s), true, at(100s)));  // begins to wait for its turn
  EXPECT_TRUE(policy.is_due(roll, at(0s), true, at(100s + turn_time)));
  EXPECT_FALSE(policy.take_missing(roll, at(0s), at(100s)));
}

TEST(MergePolicy, ANodeThatAnEarlierProcessSawIsWaitedFor) {
  Roll roll({.nodes_expected = 1, .patience = 600s, .gone_after = 900s});
  roll.remember(test_id(1));
  roll.remember(test_id(2));
  MergePolicy policy = policy_of(3);
  EXPECT_FALSE(policy.is_due(roll, at(0s), true, at(100s)));
  EXPECT_EQ(policy.needed(roll), 2U);
}

}  // namespace
}  // namespace starling::node
