// A joiner against neighbours that are played by the test.

#include "node/core/vote_catch_up.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/effects_view.h"
#include "tests/support/node_config.h"
#include "tests/support/vote_ledger.h"

namespace starling::node {
namespace {

using protocol::StateOffer;
using protocol::StateQuery;
using protocol::StateRequest;
using testing::CastVotes;
using testing::sent;
using testing::sent_to;
using namespace std::chrono_literals;

constexpr std::size_t packets = 300;  // of three authors

NodeId peer_of(std::uint8_t number) {
  return crypto::node_key(number).id();
}

protocol::Bulk state_of(std::uint64_t request) {
  protocol::Bulk bulk;
  bulk.number = request;
  return bulk;
}

class VoteCatchUpTest : public ::testing::Test {
 protected:
  explicit VoteCatchUpTest(CatchUpMode mode = CatchUpMode::automatic)
      : config_(config(mode)), catch_up_(config_, ledger_) {}

  static Config config(CatchUpMode mode) {
    Config config = testing::node_config(8, testing::ledger_recipe());
    config.catch_up = mode;
    return config;
  }

  /// Neighbours 4, 5, ... that hold everything, told a moment ago.
  void meet(std::uint8_t neighbours) {
    Turn turn(now_);
    for (std::uint8_t peer = 4; peer < 4 + neighbours; ++peer) {
      ledger_.neighbour_up(peer_of(peer), now_, turn.effects);
      protocol::VoteVector vector;
      for (std::uint8_t author = 1; author <= 3; ++author) {
        vector.counts.push_back({peer_of(author), packets / 3});
      }
      ASSERT_TRUE(ledger_.receive(peer_of(peer), vector, now_, turn.effects));
    }
    EXPECT_TRUE(sent<protocol::VoteRangeRequest>(turn.effects).empty());  // paused
    catch_up_.consider(turn);
    queries_ = sent<StateQuery>(turn.effects);
  }

  [[nodiscard]] StateOffer offer(std::uint8_t digest, bool is_whole = true) const {
    StateOffer offer{.request = queries_.front().request,
                     .step = 90,
                     .packets = 270,
                     .bytes = digest == 0 ? 0U : 1000U,
                     .state = {},
                     .has_whole_ledger = is_whole};
    offer.state.bytes.fill(digest);
    return offer;
  }

  Turn receive_offer(std::uint8_t peer, const StateOffer& given) {
    Turn turn(now_);
    catch_up_.receive(peer_of(peer), given, turn);
    return turn;
  }

  /// Answers the request for a sample: 64 packets after `transfer`, applied after `apply`.
  Turn answer_sample(std::uint8_t peer, Duration transfer, Duration apply) {
    now_ = now_ + 5ms;
    receive_offer(peer, offer(7));
    now_ = now_ + transfer;
    Turn turn(now_);
    protocol::VoteRange range;
    for (std::size_t i = 0; i < 64; ++i) {
      const CastVotes& vote = votes_[3 * i];
      range.packets.push_back(vote.signed_bytes());
      EXPECT_EQ(ledger_.insert(vote.author(), vote.packet, range.packets.back()),
                protocol::VoteInsertion::stored);
    }
    catch_up_.receive(peer_of(peer), range, turn);
    now_ = now_ + apply;
    Turn applied(now_);
    catch_up_.applied(64, applied);
    return applied;
  }

  void insert_all() {
    for (const CastVotes& vote : votes_) {
      static_cast<void>(ledger_.insert(vote.author(), vote.packet, vote.signed_bytes()));
    }
  }

  Config config_;
  protocol::LedgerSync ledger_{{}};
  VoteCatchUp catch_up_;
  const std::vector<CastVotes> votes_ = testing::random_votes(packets, 1);
  std::vector<StateQuery> queries_;
  Instant now_ = Instant{} + 1s;
};

TEST_F(VoteCatchUpTest, FetchesALittleWithoutAsking) {
  for (std::size_t i = 0; i < packets - 30; ++i) {
    static_cast<void>(
        ledger_.insert(votes_[i].author(), votes_[i].packet, votes_[i].signed_bytes()));
  }
  meet(2);
  EXPECT_FALSE(catch_up_.active());
  EXPECT_TRUE(queries_.empty());
}

TEST_F(VoteCatchUpTest, LacksMostUntilItsEndIfItHasLittleAtItsBeginning) {
  static_cast<void>(ledger_.insert(votes_[1].author(), votes_[1].packet, votes_[1].signed_bytes()));
  EXPECT_FALSE(catch_up_.lacks_most());
  meet(2);
  EXPECT_TRUE(catch_up_.lacks_most());
  StateOffer large = offer(7);
  large.bytes = 100'000'000;
  receive_offer(4, large);
  Turn sampled = receive_offer(5, large);
  const NodeId source = sent_to<protocol::VoteRangeRequest>(sampled.effects)[0].first;
  answer_sample(source == peer_of(4) ? 4 : 5, 10ms, 10ms);
  for (std::size_t i = 0; i < packets - 1; ++i) {
    static_cast<void>(
        ledger_.insert(votes_[i].author(), votes_[i].packet, votes_[i].signed_bytes()));
  }
  EXPECT_TRUE(catch_up_.lacks_most());
  insert_all();
  Turn end(now_);
  catch_up_.applied(100, end);
  EXPECT_FALSE(catch_up_.lacks_most());
}

TEST_F(VoteCatchUpTest, OfOneHalfFromAnotherDoesNotLackMost) {
  for (std::size_t i = 0; i < packets / 2; ++i) {
    static_cast<void>(
        ledger_.insert(votes_[i].author(), votes_[i].packet, votes_[i].signed_bytes()));
  }
  meet(2);
  EXPECT_TRUE(catch_up_.active());
  EXPECT_FALSE(catch_up_.lacks_most());
}

TEST_F(VoteCatchUpTest, AsksEveryNeighbourThenSamplesOne) {
  meet(2);
  EXPECT_TRUE(catch_up_.active());
  EXPECT_EQ(queries_.size(), 2U);
  receive_offer(4, offer(7));
  Turn last = receive_offer(5, offer(7));
  EXPECT_EQ(sent<StateQuery>(last.effects).size(), 1U);
  ASSERT_EQ(sent<protocol::VoteRangeRequest>(last.effects).size(), 1U);
  EXPECT_EQ(sent<protocol::VoteRangeRequest>(last.effects)[0].count, 64U);
}

TEST_F(VoteCatchUpTest, ReplaysOverAFastLinkToASlowSnapshot) {
  meet(2);
  StateOffer large = offer(7);
  large.bytes = 100'000'000;
  receive_offer(4, large);
  Turn sampled = receive_offer(5, large);
  const NodeId source = sent_to<protocol::VoteRangeRequest>(sampled.effects)[0].first;
  Turn chosen = answer_sample(source == peer_of(4) ? 4 : 5, 10ms, 10ms);
  EXPECT_TRUE(sent<StateRequest>(chosen.effects).empty());
  EXPECT_FALSE(sent<protocol::VoteRangeRequest>(chosen.effects).empty());
  insert_all();
  now_ = now_ + 40ms;
  Turn end(now_);
  catch_up_.applied(100, end);
  EXPECT_FALSE(catch_up_.active());
  ASSERT_TRUE(catch_up_.result());
  EXPECT_EQ(catch_up_.result()->method, "replay");
  EXPECT_DOUBLE_EQ(catch_up_.result()->seconds, 0.04);
  // A round trip, and 236 packets that are missing; each took a 64th of 10 ms twice.
  EXPECT_NEAR(catch_up_.result()->replay_s, 0.005 + 236 * 0.02 / 64, 1e-9);
  EXPECT_GT(catch_up_.result()->snapshot_s, 1.0);
}

class SnapshotJoiner : public VoteCatchUpTest {
 protected:
  SnapshotJoiner() : VoteCatchUpTest(CatchUpMode::snapshot) {}
};

TEST_F(SnapshotJoiner, AsksForASnapshotThatTwoNeighboursName) {
  meet(3);
  receive_offer(4, offer(7, false));
  receive_offer(5, offer(9, false));
  Turn turn = receive_offer(6, offer(7, false));
  const auto requests = sent<StateRequest>(turn.effects);
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_FALSE(catch_up_.receive(peer_of(5), state_of(requests[0].request)));
  const NodeId asked = sent_to<StateRequest>(turn.effects)[0].first;
  const auto load = catch_up_.receive(asked, state_of(requests[0].request));
  ASSERT_TRUE(load);
  EXPECT_EQ(load->digest, offer(7).state);
}

TEST_F(SnapshotJoiner, TakesNoSnapshotWhereSeveralNeighboursDisagree) {
  meet(2);
  receive_offer(4, offer(7, false));
  Turn turn = receive_offer(5, offer(9, false));
  EXPECT_TRUE(sent<StateRequest>(turn.effects).empty());
  now_ = now_ + 1s;
  Turn later(now_);
  catch_up_.tick(later);  // they may have saved the same one by now
  EXPECT_EQ(sent<StateQuery>(later.effects).size(), 2U);
}

TEST_F(SnapshotJoiner, TakesTheWordOfASingleNeighbourAndSaysSo) {
  meet(1);
  Turn turn = receive_offer(4, offer(7, false));
  const auto requests = sent<StateRequest>(turn.effects);
  ASSERT_EQ(requests.size(), 1U);
  ASSERT_TRUE(catch_up_.receive(peer_of(4), state_of(requests[0].request)));
  Turn loaded(now_);
  catch_up_.loaded(true, loaded);
  ASSERT_EQ(loaded.events.size(), 1U);
  EXPECT_NE(std::get<Warned>(loaded.events[0]).text.find("one neighbour"), std::string::npos);
}

TEST_F(SnapshotJoiner, AsksAnotherVoucherIfTheFirstSendsSomethingElse) {
  meet(2);
  receive_offer(4, offer(7, false));
  Turn first = receive_offer(5, offer(7, false));
  const auto request = sent<StateRequest>(first.effects);
  ASSERT_EQ(request.size(), 1U);
  const NodeId asked = sent_to<StateRequest>(first.effects)[0].first;
  ASSERT_TRUE(catch_up_.receive(asked, state_of(request[0].request)));
  Turn refused(now_);
  catch_up_.loaded(false, refused);
  ASSERT_EQ(sent<StateRequest>(refused.effects).size(), 1U);
  EXPECT_NE(sent_to<StateRequest>(refused.effects)[0].first, asked);
}

TEST_F(SnapshotJoiner, GivesUpOnPacketsThatNobodySends) {
  meet(1);
  Turn asked = receive_offer(4, offer(7, false));
  const auto request = sent<StateRequest>(asked.effects)[0].request;
  ASSERT_TRUE(catch_up_.receive(peer_of(4), state_of(request)));
  Turn loaded(now_);
  catch_up_.loaded(true, loaded);
  now_ = catch_up_.next_deadline();
  Turn stalled(now_);
  catch_up_.tick(stalled);
  EXPECT_FALSE(catch_up_.active());
  Turn told_again(now_);
  catch_up_.consider(told_again);
  EXPECT_FALSE(catch_up_.active());
}

// As a hanging link that comes back: all fetch from all, and each may take a snapshot meanwhile.
class ReplayingJoiner : public VoteCatchUpTest {
 protected:
  ReplayingJoiner() : VoteCatchUpTest(CatchUpMode::replay) {}
};

TEST_F(ReplayingJoiner, AsksOthersIfWhoeverHadTheWholeLedgerSendsNothing) {
  meet(2);
  receive_offer(4, offer(7));
  Turn sampled = receive_offer(5, offer(7, false));
  ASSERT_EQ(sent_to<protocol::VoteRangeRequest>(sampled.effects)[0].first, peer_of(4));
  Turn chosen = answer_sample(4, 10ms, 10ms);
  for (const auto& [peer, request] : sent_to<protocol::VoteRangeRequest>(chosen.effects)) {
    EXPECT_EQ(peer, peer_of(4));
  }
  const Instant stalled_at = catch_up_.next_deadline();
  now_ = stalled_at + -1ms;
  Turn fresh(now_);  // a vote that nobody lacked when the choice was made
  catch_up_.receive(peer_of(4), protocol::VoteRange{{Bytes(100)}}, fresh);
  EXPECT_EQ(catch_up_.next_deadline(), stalled_at);
  now_ = stalled_at;
  Turn stalled(now_);
  catch_up_.tick(stalled);
  EXPECT_TRUE(catch_up_.active());
  EXPECT_TRUE(std::ranges::any_of(sent_to<protocol::VoteRangeRequest>(stalled.effects),
                                  [](const auto& request) { return request.first == peer_of(5); }));
  now_ = catch_up_.next_deadline();
  Turn given_up(now_);
  catch_up_.tick(given_up);
  EXPECT_FALSE(catch_up_.active());
  ASSERT_FALSE(given_up.events.empty());
}

TEST_F(SnapshotJoiner, BeginsAnewWhenAllNeighboursAreGone) {
  meet(1);
  Turn turn(now_);
  ledger_.neighbour_down(peer_of(4));
  catch_up_.neighbour_down(peer_of(4), turn);
  EXPECT_FALSE(catch_up_.active());
  meet(1);
  EXPECT_TRUE(catch_up_.active());
}

}  // namespace
}  // namespace starling::node
