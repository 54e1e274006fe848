// The memory of an edge: what is kept for the other end, and what a returning link makes of it.

#include "protocol/exchange/edge_book.h"

#include <gtest/gtest.h>

#include "protocol/limits.h"
#include "tests/support/effects_view.h"
#include "tests/support/virtual_network.h"

namespace starling::protocol {
namespace {

using testing::sent;
using testing::test_id;

const NodeId a_id = test_id(0);
const NodeId b_id = test_id(1);

Bulk payload(std::uint64_t number) {
  return {.kind = BulkKind::pair_payload,
          .number = number,
          .step = 0,
          .degree = 1,
          .context = {},
          .data = {static_cast<std::uint8_t>(number)}};
}

EdgeHello greeting_of(EdgeBook& book, const NodeId& peer) {
  Effects effects;
  book.greet(peer, 0, effects);
  return sent<EdgeHello>(effects).at(0);
}

/// What `book` does when the link to `peer` opens and the peer says `hello`.
struct Opening {
  bool history_lost = false;
  std::vector<Bulk> sent_again;
};
Opening open(EdgeBook& book, const NodeId& peer, const EdgeHello& hello) {
  Effects effects;
  const bool history_lost = book.on_hello(peer, hello, effects);
  return {history_lost, sent<Bulk>(effects)};
}

/// Both ends of one edge, linked.
struct Ends {
  EdgeBook a{11};
  EdgeBook b{22};
  Opening at_a, at_b;

  Ends() { link(); }
  void link() {
    const EdgeHello from_a = greeting_of(a, b_id);
    const EdgeHello from_b = greeting_of(b, a_id);
    at_a = open(a, b_id, from_b);
    at_b = open(b, a_id, from_a);
  }
  void cut() {
    a.close(b_id);
    b.close(a_id);
  }
};

TEST(EdgeBook, AFirstMeetingLosesNoHistoryAndSendsNothing) {
  Ends ends;
  EXPECT_FALSE(ends.at_a.history_lost);
  EXPECT_FALSE(ends.at_b.history_lost);
  EXPECT_EQ(ends.a.open_edges(), std::vector{b_id});
}

TEST(EdgeBook, AnEdgeIsOpenOnlyWhileLinkedAndGreetedByBoth) {
  EdgeBook book(11);
  open(book, b_id, {.incarnation = 22, .peer_incarnation = 0, .applied = 0, .step = 0});
  EXPECT_TRUE(book.open_edges().empty());
  greeting_of(book, b_id);
  EXPECT_EQ(book.open_edges().size(), 1U);
  book.close(b_id);
  EXPECT_TRUE(book.open_edges().empty());
}

TEST(EdgeBook, SendsAgainWhatOnlyItHasApplied) {
  Ends ends;
  ends.a.retain(b_id, payload(1));
  ends.b.retain(a_id, payload(1));
  ends.a.applied(b_id, 1);
  ends.cut();
  ends.link();
  ASSERT_EQ(ends.at_a.sent_again.size(), 1U);
  EXPECT_TRUE(ends.at_b.sent_again.empty());
  const auto completion = ends.b.complete(a_id, Bulk(ends.at_a.sent_again[0]));
  ASSERT_TRUE(completion);
  EXPECT_EQ(completion->own, payload(1));
  EXPECT_EQ(completion->theirs, payload(1));
  EXPECT_FALSE(ends.b.complete(a_id, payload(1))) << "completed twice";
}

TEST(EdgeBook, DropsWhatNeitherEndHasApplied) {
  Ends ends;
  ends.a.retain(b_id, payload(1));
  ends.b.retain(a_id, payload(1));
  ends.cut();
  ends.link();
  EXPECT_TRUE(ends.at_a.sent_again.empty());
  EXPECT_TRUE(ends.at_b.sent_again.empty());
  EXPECT_TRUE(ends.a.find(b_id)->retained.empty());
  EXPECT_TRUE(ends.b.find(a_id)->retained.empty());
}

TEST(EdgeBook, LetsGoOnlyWhenBothEndsHaveApplied) {
  Ends ends;
  ends.a.retain(b_id, payload(1));
  ends.a.confirmed(b_id, 1);
  EXPECT_EQ(ends.a.find(b_id)->retained.size(), 1U);
  EXPECT_EQ(ends.a.unreconciled(), 1U);
  ends.a.applied(b_id, 1);
  EXPECT_TRUE(ends.a.find(b_id)->retained.empty());
  EXPECT_EQ(ends.a.unreconciled(), 0U);
}

TEST(EdgeBook, KeepsTheLastRoundsPayloadWhileTheNextIsUnderWay) {
  Ends ends;
  ends.a.retain(b_id, payload(1));
  ends.b.retain(a_id, payload(1));
  ends.a.applied(b_id, 1);  // A is a round ahead of B
  ends.a.retain(b_id, payload(2));
  ends.cut();
  ends.link();
  ASSERT_EQ(ends.at_a.sent_again.size(), 1U);
  EXPECT_EQ(ends.at_a.sent_again[0].number, 1U);
  EXPECT_TRUE(ends.b.complete(a_id, payload(1)));
}

TEST(EdgeBook, KeepsItsPayloadAfterALateCompletionUntilThePeerConfirms) {
  Ends ends;
  ends.a.retain(b_id, payload(1));
  ends.b.retain(a_id, payload(1));
  EXPECT_TRUE(ends.a.complete(b_id, payload(1)));  // B has sent, but not applied
  ends.cut();
  ends.link();
  EXPECT_EQ(ends.at_a.sent_again.size(), 1U);
}

TEST(EdgeBook, ReportsLostHistoryWhenThePeerHasRestarted) {
  Ends ends;
  ends.a.retain(b_id, payload(1));
  ends.a.applied(b_id, 1);
  ends.cut();
  ends.b = EdgeBook(23);
  ends.link();
  EXPECT_TRUE(ends.at_a.history_lost);
  EXPECT_FALSE(ends.at_b.history_lost) << "a fresh process has nothing to take out";
  EXPECT_TRUE(ends.at_a.sent_again.empty());
  EXPECT_EQ(ends.a.find(b_id)->applied, 0U);
  EXPECT_EQ(ends.a.find(b_id)->peer_applied, 0U);
}

TEST(EdgeBook, TheOtherEndReportsLostHistoryAfterAGivenUpPeerReturns) {
  Ends ends;
  ends.a.applied(b_id, 3);
  ends.b.applied(a_id, 3);
  ends.cut();
  ends.a.give_up(b_id);
  ends.link();
  EXPECT_FALSE(ends.at_a.history_lost);
  EXPECT_TRUE(ends.at_b.history_lost);
  EXPECT_EQ(ends.b.find(a_id)->applied, 0U);
}

TEST(EdgeBook, DiscardsACalledOffPayloadUnlessItWasApplied) {
  EdgeBook book(11);
  book.retain(b_id, payload(1));
  book.discard(b_id, 1);
  EXPECT_TRUE(book.find(b_id)->retained.empty());
  book.retain(b_id, payload(2));
  book.applied(b_id, 2);
  book.discard(b_id, 2);
  EXPECT_EQ(book.find(b_id)->retained.size(), 1U);
}

TEST(EdgeBook, BoundsThePayloadsOfAnEdge) {
  EdgeBook book(11);
  for (std::uint64_t number = 1; number <= 2 * limits::edge_payloads_max; ++number) {
    book.retain(b_id, payload(number));
  }
  EXPECT_EQ(book.find(b_id)->retained.size(), limits::edge_payloads_max);
  EXPECT_EQ(book.find(b_id)->retained.rbegin()->first, 2 * limits::edge_payloads_max);
}

TEST(EdgeBook, ForgetsAClosedEdgeWithNothingPendingFirst) {
  EdgeBook book(11);
  book.retain(test_id(1), payload(1));
  open(book, test_id(2), {.incarnation = 5, .peer_incarnation = 0, .applied = 0, .step = 0});
  for (std::size_t i = 3; i <= limits::edges_max + 1; ++i) book.set_peer_step(test_id(i), 1);
  EXPECT_NE(book.find(test_id(1)), nullptr);
  EXPECT_NE(book.find(test_id(2)), nullptr);
}

}  // namespace
}  // namespace starling::protocol
