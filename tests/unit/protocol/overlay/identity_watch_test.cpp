// Two processes with one node's key.

#include "protocol/overlay/identity_watch.h"

#include <gtest/gtest.h>

#include "protocol/overlay/incarnation.h"
#include "tests/support/effects_view.h"
#include "tests/support/instants.h"
#include "tests/support/overlay_node.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::at;
using testing::sent;
using testing::test_id;

constexpr std::uint64_t first = incarnation_of(1'000, 77);
constexpr std::uint64_t later = incarnation_of(61'000, 3);

IdentityWatch watch_of(std::uint64_t incarnation) {
  return IdentityWatch({.self = test_id(1), .incarnation = incarnation, .interval_scale = 1});
}

Presence presence(std::uint64_t incarnation, std::uint64_t rival) {
  Presence presence;
  presence.incarnation = incarnation;
  presence.rival = rival;
  return presence;
}

/// Peer 5 has a link, and somebody else with its key asks for one.
struct Doorkeeper {
  explicit Doorkeeper(std::uint64_t newcomer) {
    watch.newcomer(test_id(5), newcomer, at(0s), effects);
  }
  Handled hear(const Presence& answer, std::size_t author = 5) {
    return watch.answered(test_id(5), {test_id(author), 0, answer}, {1, 2, 3});
  }

  IdentityWatch watch = watch_of(1);
  Effects effects;
};

TEST(Incarnation, OrdersProcessesByTheirStart) {
  EXPECT_LT(first, later);
  EXPECT_EQ(time_between(first, later), 60s);
  EXPECT_NE(incarnation_of(1'000, 1), incarnation_of(1'000, 2));
}

TEST(IdentityWatch, OfTwoProcessesThatKnowOfEachOtherExactlyTheLaterOneStops) {
  EXPECT_TRUE(watch_of(later).is_outranked_by(presence(first, later)));
  EXPECT_FALSE(watch_of(first).is_outranked_by(presence(later, first)));
}

TEST(IdentityWatch, AnOldWordOfAProcessThatHasEndedStopsNobody) {
  EXPECT_FALSE(watch_of(later).is_outranked_by(presence(first, 0)));
  EXPECT_FALSE(watch_of(later).is_outranked_by(presence(first, first + 1)))
      << "it named an earlier process as its rival, not this one";
}

TEST(IdentityWatch, OnlyTheEarlierProcessAnswersTheOther) {
  EXPECT_TRUE(watch_of(first).outranks(presence(later, 0)));
  EXPECT_FALSE(watch_of(later).outranks(presence(first, 0)));
}

TEST(IdentityWatch, AsksTheLinkedProcessWhetherItLives) {
  const Doorkeeper door(later);
  const auto asked = sent<IdentityChallenge>(door.effects);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].incarnation, later);
}

TEST(IdentityWatch, RefusesTheNewcomerWithTheProofThatTheFirstOneLives) {
  Doorkeeper door(later);
  ASSERT_TRUE(door.hear(presence(first, later)));
  const auto verdicts = door.watch.take_verdicts();
  ASSERT_EQ(verdicts.size(), 1U);
  EXPECT_FALSE(verdicts[0].is_admitted);
  EXPECT_EQ(verdicts[0].incarnation, later);
  EXPECT_EQ(verdicts[0].proof, (Bytes{1, 2, 3}));
  EXPECT_EQ(door.watch.next_deadline(), Instant::never());
}

TEST(IdentityWatch, AdmitsANewcomerThatBeganEarlier) {
  Doorkeeper door(first);
  ASSERT_TRUE(door.hear(presence(later, first)));
  const auto verdicts = door.watch.take_verdicts();
  ASSERT_EQ(verdicts.size(), 1U);
  EXPECT_TRUE(verdicts[0].is_admitted);
}

TEST(IdentityWatch, AdmitsTheNewcomerIfTheFirstOneIsSilentOrGone) {
  Doorkeeper silent(later);
  silent.watch.tick(at(1999ms));
  EXPECT_TRUE(silent.watch.take_verdicts().empty());
  silent.watch.tick(silent.watch.next_deadline());
  ASSERT_EQ(silent.watch.take_verdicts().size(), 1U);
  Doorkeeper gone(later);
  gone.watch.link_down(test_id(5));
  const auto verdicts = gone.watch.take_verdicts();
  ASSERT_EQ(verdicts.size(), 1U);
  EXPECT_TRUE(verdicts[0].is_admitted);
}

TEST(IdentityWatch, BelievesNoAnswerThatIsNotThePeersOrNamesAnotherProcess) {
  Doorkeeper door(later);
  EXPECT_FALSE(door.hear(presence(first, later), 6)) << "signed by another";
  EXPECT_TRUE(door.hear(presence(first, later + 1)));
  EXPECT_TRUE(door.watch.take_verdicts().empty());
}

}  // namespace
}  // namespace starling::protocol
