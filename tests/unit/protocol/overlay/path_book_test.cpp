// Which path to a peer is tried when, and what members between do.

#include "protocol/overlay/path_book.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/limits.h"
#include "tests/support/effects_view.h"
#include "tests/support/virtual_network.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::sent;
using testing::sent_to;
using testing::test_id;

std::vector<Dial> dials(const Effects& effects) {
  std::vector<Dial> found;
  for (const Effect& effect : effects.items) {
    if (const auto* dial = std::get_if<Dial>(&effect)) found.push_back(*dial);
  }
  return found;
}

class PathBookTest : public ::testing::Test {
 protected:
  void want() { book.want(peer, PathKind::direct, Reach::unknown, now, effects); }
  void link(const NodeId& id) { book.link_up(id, PathKind::direct, "198.51.100.1:1", now); }
  void fail(PathKind path) { book.failed(peer.id, path, now, effects); }
  Handled hear(const NodeId& from, RendezvousStep step, std::string address = {}) {
    return book.receive(from, Rendezvous{step, peer.id, self, std::move(address)}, {}, now,
                        effects);
  }
  void pass_time() {
    now = book.next_deadline();
    book.tick(now, effects);
  }

  const NodeId self = test_id(1);
  const NodeId helper = test_id(2);
  const NodeId other_helper = test_id(3);
  const PeerRecord peer{test_id(7), "10.0.0.7:4000"};
  PathBook book{self, 1};
  Effects effects;
  Instant now;
};

TEST_F(PathBookTest, DialsFirst) {
  want();
  ASSERT_EQ(dials(effects).size(), 1U);
  EXPECT_EQ(dials(effects)[0].path, PathKind::direct);
  EXPECT_EQ(dials(effects)[0].peer, peer);
}

TEST_F(PathBookTest, CallsADialToAPortThatARouterOpenedMapped) {
  book.want(peer, PathKind::direct, Reach::mapped, now, effects);
  ASSERT_EQ(dials(effects).size(), 1U);
  EXPECT_EQ(dials(effects)[0].path, PathKind::mapped);
}

TEST_F(PathBookTest, GivesUpAtOnceWhereNobodyCanHelp) {
  want();
  fail(PathKind::direct);
  ASSERT_EQ(book.take_given_up().size(), 1U);
  EXPECT_FALSE(book.is_sought(peer.id));
}

TEST_F(PathBookTest, AsksAMemberToHaveThePeerDial) {
  link(helper);
  want();
  fail(PathKind::direct);
  const auto asked = sent_to<Rendezvous>(effects);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].first, helper);
  EXPECT_EQ(asked[0].second.step, RendezvousStep::reverse);
  EXPECT_EQ(book.path_of_accepted(peer.id), PathKind::reversed);
}

TEST_F(PathBookTest, DoesNotAskToBeDialledWhereNobodyGetsThrough) {
  link(helper);
  book.set_own_reach(Reach::behind_nat);
  want();
  fail(PathKind::direct);
  ASSERT_EQ(sent<Rendezvous>(effects).size(), 1U);
  EXPECT_EQ(sent<Rendezvous>(effects)[0].step, RendezvousStep::punch);
}

TEST_F(PathBookTest, GoesThroughAllPathsToTheRelay) {
  link(helper);
  want();
  while (book.is_sought(peer.id) && dials(effects).size() < 2) pass_time();
  std::vector<RendezvousStep> steps;
  for (const Rendezvous& step : sent<Rendezvous>(effects)) steps.push_back(step.step);
  EXPECT_EQ(steps, (std::vector{RendezvousStep::reverse, RendezvousStep::punch}));
  ASSERT_EQ(dials(effects).size(), 2U);
  EXPECT_EQ(dials(effects)[1].path, PathKind::relayed);
  EXPECT_EQ(dials(effects)[1].via, helper);
}

TEST_F(PathBookTest, AsksTheNextMemberWhereOneCannotHelp) {
  link(helper);
  link(other_helper);
  want();
  fail(PathKind::direct);
  ASSERT_TRUE(hear(sent_to<Rendezvous>(effects)[0].first, RendezvousStep::refused));
  const auto asked = sent_to<Rendezvous>(effects);
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_NE(asked[0].first, asked[1].first);
}

TEST_F(PathBookTest, TriesEveryRelayBeforeItGivesUp) {
  link(helper);
  link(other_helper);
  want();
  while (dials(effects).size() < 2) pass_time();
  fail(PathKind::relayed);
  ASSERT_EQ(dials(effects).size(), 3U);
  EXPECT_NE(dials(effects)[1].via, dials(effects)[2].via);
  fail(PathKind::relayed);
  EXPECT_EQ(book.take_given_up().size(), 1U);
}

TEST_F(PathBookTest, NeverRelaysOverARelay) {
  book.link_up(helper, PathKind::relayed, "", now);
  want();
  fail(PathKind::direct);
  EXPECT_EQ(book.take_given_up().size(), 1U);
}

TEST_F(PathBookTest, PunchesHalfARoundTripAfterTheAnswer) {
  link(helper);
  book.set_own_reach(Reach::behind_nat);
  want();
  fail(PathKind::direct);
  now = now + 100ms;
  ASSERT_TRUE(hear(helper, RendezvousStep::punch_answer, "203.0.113.9:5"));
  EXPECT_EQ(sent<Rendezvous>(effects).back().step, RendezvousStep::punch_now);
  EXPECT_EQ(dials(effects).size(), 1U);
  EXPECT_EQ(book.next_deadline(), now + 50ms);
  pass_time();
  ASSERT_EQ(dials(effects).size(), 2U);
  EXPECT_EQ(dials(effects)[1].path, PathKind::punched);
  EXPECT_EQ(dials(effects)[1].peer.address, "203.0.113.9:5");
}

TEST_F(PathBookTest, PunchesWithWhoeverAsksForIt) {
  link(helper);
  ASSERT_TRUE(hear(helper, RendezvousStep::punch, "203.0.113.9:5"));
  ASSERT_EQ(sent<Rendezvous>(effects).size(), 1U);
  EXPECT_EQ(sent<Rendezvous>(effects)[0].step, RendezvousStep::punch_answer);
  EXPECT_TRUE(dials(effects).empty());
  ASSERT_TRUE(hear(helper, RendezvousStep::punch_now, "203.0.113.9:5"));
  ASSERT_EQ(dials(effects).size(), 1U);
  EXPECT_EQ(dials(effects)[0].path, PathKind::punched);
  EXPECT_EQ(book.path_of_accepted(peer.id), PathKind::punched);
}

TEST_F(PathBookTest, DialsWhoeverAsksForItAndSaysIfItCannot) {
  link(helper);
  ASSERT_TRUE(hear(helper, RendezvousStep::reverse, "203.0.113.9:5"));
  ASSERT_EQ(dials(effects).size(), 1U);
  EXPECT_EQ(dials(effects)[0].path, PathKind::reversed);
  fail(PathKind::reversed);
  ASSERT_EQ(sent_to<Rendezvous>(effects).size(), 1U);
  EXPECT_EQ(sent_to<Rendezvous>(effects)[0].first, helper);
  EXPECT_EQ(sent<Rendezvous>(effects)[0].step, RendezvousStep::refused);
}

TEST_F(PathBookTest, BoundsTheDialsThatOthersAskFor) {
  link(helper);
  for (std::size_t i = 0; i < limits::dials_pending_max + 10; ++i) {
    const Rendezvous wish{RendezvousStep::reverse, test_id(100 + i), self, "203.0.113.9:5"};
    ASSERT_TRUE(book.receive(helper, wish, {}, now, effects));
  }
  EXPECT_EQ(dials(effects).size(), limits::dials_pending_max);
}

// --- The member between ---

TEST_F(PathBookTest, PassesOnWithTheAddressThatItSeesItself) {
  book.link_up(helper, PathKind::direct, "203.0.113.2:2", now);
  book.link_up(other_helper, PathKind::direct, "203.0.113.3:3", now);
  const Rendezvous wish{RendezvousStep::punch, helper, other_helper, "192.0.2.66:80"};
  ASSERT_TRUE(book.receive(helper, wish, {}, now, effects));
  ASSERT_EQ(sent_to<Rendezvous>(effects).size(), 1U);
  EXPECT_EQ(sent_to<Rendezvous>(effects)[0].first, other_helper);
  EXPECT_EQ(sent<Rendezvous>(effects)[0].address, "203.0.113.2:2");
}

TEST_F(PathBookTest, PassesNothingOnInTheNameOfAnother) {
  link(helper);
  link(other_helper);
  const Rendezvous forged{RendezvousStep::punch, peer.id, other_helper, {}};
  EXPECT_EQ(book.receive(helper, forged, {}, now, effects).error(), RejectReason::unexpected);
  EXPECT_TRUE(sent<Rendezvous>(effects).empty());
}

TEST_F(PathBookTest, SaysWhereItHasNoLink) {
  link(helper);
  const Rendezvous wish{RendezvousStep::punch, helper, peer.id, {}};
  ASSERT_TRUE(book.receive(helper, wish, {}, now, effects));
  ASSERT_EQ(sent<Rendezvous>(effects).size(), 1U);
  EXPECT_EQ(sent<Rendezvous>(effects)[0],
            (Rendezvous{RendezvousStep::refused, peer.id, helper, {}}));
}

TEST_F(PathBookTest, PassesOnFewASecond) {
  link(helper);
  link(other_helper);
  const Rendezvous wish{RendezvousStep::punch, helper, other_helper, {}};
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(book.receive(helper, wish, {}, now, effects));
  const auto told = sent_to<Rendezvous>(effects);
  EXPECT_EQ(std::ranges::count(told, other_helper, [](const auto& entry) { return entry.first; }),
            static_cast<std::ptrdiff_t>(limits::rendezvous_per_second_max));
}

// --- Better paths later ---

TEST_F(PathBookTest, SeeksABetterPathThanARelayNowAndThen) {
  link(helper);
  book.link_up(peer.id, PathKind::relayed, "", now);
  EXPECT_TRUE(book.take_upgrades(now).empty());
  now = book.next_deadline();
  ASSERT_EQ(book.take_upgrades(now), std::vector{peer.id});
  EXPECT_GT(book.next_deadline(), now);
  want();
  while (book.is_sought(peer.id)) pass_time();
  for (const Dial& dial : dials(effects)) EXPECT_NE(dial.path, PathKind::relayed);
  EXPECT_TRUE(book.take_given_up().empty());
}

TEST_F(PathBookTest, LeavesADirectLinkAlone) {
  book.link_up(peer.id, PathKind::direct, "198.51.100.1:1", now);
  want();
  EXPECT_TRUE(effects.items.empty());
  EXPECT_EQ(book.next_deadline(), Instant::never());
}

}  // namespace
}  // namespace starling::protocol
