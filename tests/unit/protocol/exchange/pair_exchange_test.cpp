// Pairwise exchange between two machines whose messages the test carries one by one.

#include "protocol/exchange/pair_exchange.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <numeric>

#include "tests/support/effects_view.h"
#include "tests/support/instants.h"
#include "tests/support/virtual_network.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::at;
using testing::count_of;
using testing::sent;
using testing::test_id;

/// One end: it holds a number instead of a model, and moves halfway to what it mixes with.
class End {
 public:
  End(std::size_t number, std::size_t peer, double start) : value(start), peer_(test_id(peer)) {
    restart(100 + number);
  }

  void restart(std::uint64_t incarnation) {
    edges = std::make_unique<EdgeBook>(incarnation);
    exchange = std::make_unique<PairExchange>(
        PairExchange::Options{.seed = incarnation, .recipe = {}}, *edges);
    history_losses = 0;
  }

  [[nodiscard]] const NodeId& peer() const { return peer_; }
  void greet() { edges->greet(peer_, 0, outbox); }
  void offer(Instant now) { exchange->offer(0, now, outbox); }
  void lose_link() {
    must_encode = false;
    edges->close(peer_);
    exchange->on_link_down(peer_);
  }

  void receive(Message message) {
    if (const auto* hello = std::get_if<EdgeHello>(&message)) {
      history_losses += edges->on_hello(peer_, *hello, outbox) ? 1 : 0;
    } else if (const auto* offer = std::get_if<ExchangeOffer>(&message)) {
      must_encode |= exchange->on_offer(peer_, *offer, willing, 0, outbox);
    } else if (const auto* accept = std::get_if<ExchangeAccept>(&message)) {
      must_encode |= exchange->on_accept(peer_, *accept, outbox);
    } else if (const auto* busy = std::get_if<ExchangeBusy>(&message)) {
      exchange->on_busy(peer_, *busy);
    } else if (const auto* applied = std::get_if<ExchangeApplied>(&message)) {
      edges->confirmed(peer_, applied->exchange);
    } else if (auto* bulk = std::get_if<Bulk>(&message)) {
      mix(exchange->on_payload(peer_, std::move(*bulk), outbox));
    }
  }
  void encode() {
    must_encode = false;
    mix(exchange->on_encoded({static_cast<std::uint8_t>(value)}, 0, at(0s), outbox));
  }

  double value;
  bool willing = true;
  bool must_encode = false;
  int mixes = 0;
  int history_losses = 0;
  std::unique_ptr<EdgeBook> edges;
  std::unique_ptr<PairExchange> exchange;
  Effects outbox;

 private:
  void mix(const std::optional<PairMix>& mix) {
    if (!mix) return;
    ++mixes;
    value += 0.5 * (mix->theirs[0] - mix->own[0]);
  }
  NodeId peer_;
};

/// A link with two lanes in each direction, as a session has: control overtakes bulk on request.
class Pair {
 public:
  Pair() { link(); }

  void link() {
    a.greet();
    b.greet();
    settle();
  }
  void cut() {
    collect();
    control_.clear();
    bulk_.clear();
    a.lose_link();
    b.lose_link();
  }
  /// Delivers control messages only: payloads stay under way.
  void settle_control() {
    for (collect(); !control_.empty(); collect()) deliver(control_);
  }
  void settle() {
    for (;;) {
      settle_control();
      if (a.must_encode || b.must_encode) {
        if (a.must_encode) a.encode();
        if (b.must_encode) b.encode();
      } else if (!bulk_.empty()) {
        deliver(bulk_);
      } else {
        return;
      }
    }
  }
  /// Delivers the payload to that end, if one is under way.
  void deliver_bulk(bool to_a) {
    collect();
    for (auto it = bulk_.begin(); it != bulk_.end(); ++it) {
      if (it->to_a != to_a) continue;
      const Item item = *it;
      bulk_.erase(it);
      (to_a ? a : b).receive(item.message);
      return;
    }
  }
  void encode_both() {
    settle_control();
    a.encode();
    b.encode();
    collect();
  }
  void expect_sum(double sum) const { EXPECT_DOUBLE_EQ(a.value + b.value, sum); }

  Instant now = at(0s);
  End a{0, 1, 10};
  End b{1, 0, 40};

 private:
  struct Item {
    bool to_a = false;
    Message message;
  };
  void collect() {
    for (End* end : {&a, &b}) {
      for (Effect& effect : end->outbox.items) {
        auto* send = std::get_if<SendTo>(&effect);
        if (send == nullptr) continue;
        const bool is_bulk = std::holds_alternative<Bulk>(send->message);
        (is_bulk ? bulk_ : control_).push_back({end == &b, std::move(send->message)});
      }
      std::erase_if(end->outbox.items,
                    [](const Effect& effect) { return std::holds_alternative<SendTo>(effect); });
    }
  }
  void deliver(std::deque<Item>& lane) {
    Item item = std::move(lane.front());
    lane.pop_front();
    (item.to_a ? a : b).receive(std::move(item.message));
  }
  std::deque<Item> control_, bulk_;
};

TEST(PairExchange, BothEndsMoveToTheMean) {
  Pair pair;
  pair.a.offer(pair.now);
  pair.settle();
  EXPECT_EQ(pair.a.value, 25);
  EXPECT_EQ(pair.b.value, 25);
  EXPECT_EQ(pair.a.edges->unreconciled() + pair.b.edges->unreconciled(), 0U);
  EXPECT_TRUE(pair.a.edges->find(pair.a.peer())->retained.empty());
}

TEST(PairExchange, OffersThatCrossAreOneExchange) {
  Pair pair;
  pair.a.offer(pair.now);
  pair.b.offer(pair.now);
  pair.settle();
  EXPECT_EQ(pair.a.mixes, 1);
  EXPECT_EQ(pair.b.mixes, 1);
  EXPECT_EQ(pair.a.value, 25);
  EXPECT_EQ(pair.b.value, 25);
}

TEST(PairExchange, ABusyPeerEndsTheOfferAndIsNotAskedAgainAtOnce) {
  Pair pair;
  pair.b.willing = false;
  pair.a.offer(pair.now);
  pair.settle();
  EXPECT_FALSE(pair.a.exchange->running());
  EXPECT_FALSE(pair.a.exchange->offer(0, pair.now, pair.a.outbox));
  EXPECT_TRUE(pair.a.exchange->offer(0, pair.now, pair.a.outbox))
      << "the list of busy peers is spent";
}

TEST(PairExchange, AnOfferWithoutAnAnswerIsGivenUp) {
  Pair pair;
  pair.a.offer(pair.now);
  EXPECT_EQ(pair.a.exchange->next_deadline(), at(2s));
  pair.a.exchange->tick(at(2s), pair.a.outbox);
  EXPECT_FALSE(pair.a.exchange->running());
  EXPECT_EQ(count_of<HangUp>(pair.a.outbox), 0U);
}

TEST(PairExchange, ALateAcceptIsCalledOffAtBothEnds) {
  Pair pair;
  pair.a.offer(pair.now);
  pair.a.exchange->tick(at(2s), pair.a.outbox);
  pair.settle();  // only now B hears of the offer
  EXPECT_EQ(pair.a.mixes + pair.b.mixes, 0);
  EXPECT_FALSE(pair.b.exchange->running());
  EXPECT_TRUE(pair.b.edges->find(pair.b.peer())->retained.empty());
}

TEST(PairExchange, APayloadOfACalledOffAttemptIsNotTakenForTheNext) {
  Pair pair;
  pair.a.offer(pair.now);
  pair.a.exchange->tick(at(2s), pair.a.outbox);  // A gives up
  pair.b.receive(ExchangeOffer{.exchange = 1, .step = 0});
  pair.b.encode();        // B's payload 10 -> under way, slowly
  pair.settle_control();  // A calls it off
  pair.b.value += 4;      // B trains on
  pair.a.offer(at(3s));   // the list of busy peers is cleared
  pair.a.offer(at(3s));
  pair.settle();
  EXPECT_EQ(pair.a.mixes, 1);
  EXPECT_EQ(pair.b.mixes, 1);
  pair.expect_sum(54);
}

TEST(PairExchange, AnExchangeAppliedAtOneEndIsCompletedOnceOnReturn) {
  for (const bool a_has_applied : {true, false}) {
    Pair pair;
    pair.a.offer(pair.now);
    pair.encode_both();
    pair.deliver_bulk(a_has_applied);
    pair.cut();
    EXPECT_EQ(pair.a.mixes + pair.b.mixes, 1);
    pair.link();
    EXPECT_EQ(pair.a.mixes, 1);
    EXPECT_EQ(pair.b.mixes, 1);
    pair.expect_sum(50);
    pair.cut();
    pair.link();
    EXPECT_EQ(pair.a.mixes + pair.b.mixes, 2) << "mixed again";
    EXPECT_EQ(pair.a.edges->unreconciled() + pair.b.edges->unreconciled(), 0U);
  }
}

TEST(PairExchange, ACompletionSurvivesTrainingAndFurtherBreaks) {
  Pair pair;
  pair.a.offer(pair.now);
  pair.encode_both();
  pair.deliver_bulk(true);
  pair.cut();
  pair.b.value += 7;  // B goes on meanwhile
  pair.a.greet();     // the link comes back, but breaks before A's payload has crossed it again
  pair.b.greet();
  pair.settle_control();
  pair.cut();
  pair.link();
  pair.expect_sum(57);
}

TEST(PairExchange, NoNewExchangeBeginsBeforeTheBrokenOneIsCompleted) {
  Pair pair;
  pair.a.offer(pair.now);
  pair.encode_both();
  pair.deliver_bulk(true);
  pair.cut();
  pair.a.greet();
  pair.b.greet();
  pair.settle_control();  // A's payload is under way again
  pair.b.offer(pair.now);
  pair.a.offer(pair.now);
  EXPECT_FALSE(pair.a.exchange->running());
  EXPECT_FALSE(pair.b.exchange->running());
  pair.settle();
  pair.b.offer(pair.now);
  pair.settle();
  EXPECT_EQ(pair.a.mixes, 2);
  EXPECT_EQ(pair.b.mixes, 2);
  pair.expect_sum(50);
}

TEST(PairExchange, ALinkThatBreaksBeforeAnyPayloadLeavesNoTrace) {
  Pair pair;
  pair.a.offer(pair.now);
  pair.encode_both();
  pair.cut();
  pair.link();
  EXPECT_EQ(pair.a.mixes + pair.b.mixes, 0);
  pair.a.offer(pair.now);
  pair.settle();
  EXPECT_EQ(pair.a.value, 25);
  EXPECT_EQ(pair.b.value, 25);
}

TEST(PairExchange, EndsAgreeOnNumbersAfterManyExchangesAndBreaks) {
  Pair pair;
  Rng rng(7);
  for (int i = 0; i < 200; ++i) {
    // An exchange is driven to a random point, then the link breaks and returns.
    (rng.below(2) == 0 ? pair.a : pair.b).offer(pair.now);
    if (rng.below(4) == 0) pair.a.offer(pair.now);
    if (rng.below(4) != 0) pair.encode_both();
    if (pair.a.exchange->running() && rng.below(2) == 0) pair.deliver_bulk(rng.below(2) == 0);
    pair.cut();
    pair.link();
    ASSERT_EQ(pair.a.mixes, pair.b.mixes);
    ASSERT_EQ(pair.a.edges->find(pair.a.peer())->applied,
              pair.b.edges->find(pair.b.peer())->applied);
    ASSERT_EQ(pair.a.value + pair.b.value, 50);
  }
  EXPECT_GT(pair.a.mixes, 50);
}

TEST(PairExchange, ARestartedPeerStartsTheEdgeAnew) {
  Pair pair;
  pair.a.offer(pair.now);
  pair.settle();
  pair.cut();
  pair.b.restart(900);
  pair.link();
  EXPECT_EQ(pair.a.history_losses, 1);
  EXPECT_EQ(pair.b.history_losses, 0);
  pair.b.offer(pair.now);
  pair.settle();
  EXPECT_EQ(pair.b.mixes, 2);
  EXPECT_EQ(pair.a.mixes, 2);
}

TEST(PairExchange, APeerThatOwesItsPayloadIsHungUpOn) {
  Pair pair;
  pair.a.offer(pair.now);
  pair.settle_control();
  pair.a.encode();
  pair.a.exchange->tick(at(20s), pair.a.outbox);
  EXPECT_EQ(count_of<HangUp>(pair.a.outbox), 1U);
  EXPECT_FALSE(pair.a.exchange->running());
}

TEST(PairExchange, APeerIsNotHungUpOnForTheTimeThatOurOwnPayloadTakes) {
  Pair pair;
  pair.a.offer(pair.now);
  pair.settle_control();
  EXPECT_EQ(pair.a.exchange->next_deadline(), Instant::never());
  pair.a.exchange->tick(at(1000s), pair.a.outbox);
  EXPECT_EQ(count_of<HangUp>(pair.a.outbox), 0U);
  pair.now = at(1000s);
  pair.settle();
  EXPECT_EQ(pair.a.mixes, 1);
  EXPECT_EQ(pair.b.mixes, 1);
}

TEST(PairExchange, APeerWhosePayloadKeepsComingIsWaitedFor) {
  Pair pair;
  pair.a.offer(pair.now);
  pair.settle_control();
  pair.a.encode();
  for (auto now = 19s; now < 300s; now += 19s) {
    pair.a.exchange->on_progress(pair.a.peer(), 1, at(now));
    pair.a.exchange->tick(at(now + 1s), pair.a.outbox);
    ASSERT_TRUE(pair.a.exchange->running());
    EXPECT_EQ(pair.a.exchange->next_deadline(), at(now + 20s));
  }
  pair.a.exchange->on_progress(pair.a.peer(), 2, at(310s));  // of another exchange
  pair.a.exchange->tick(at(320s), pair.a.outbox);
  EXPECT_EQ(count_of<HangUp>(pair.a.outbox), 1U);
}

TEST(PairExchange, WhereStepsAreSlowAPeerMayTakeLongerToo) {
  Pair pair;
  pair.a.exchange->set_compute_time(30s);
  pair.a.offer(pair.now);
  pair.settle_control();
  pair.a.encode();
  EXPECT_EQ(pair.a.exchange->next_deadline(), at(20s + 10 * 30s));
}

TEST(PairExchange, WhatIsSentKeptAndMixedIsInMemoryOnce) {
  Pair pair;
  pair.a.offer(pair.now);
  pair.settle_control();
  pair.a.encode();
  const auto payloads = sent<Bulk>(pair.a.outbox);
  ASSERT_EQ(payloads.size(), 1U);
  const SharedBytes& kept = pair.a.edges->find(pair.a.peer())->retained.at(1).data;
  EXPECT_EQ(payloads[0].data.data(), kept.data());
}

TEST(PairExchange, APayloadOfAnotherRecipeIsIgnored) {
  Pair pair;
  pair.a.offer(pair.now);
  pair.encode_both();
  Bulk foreign{.kind = BulkKind::pair_payload,
               .number = 1,
               .step = 0,
               .degree = 1,
               .context = *Digest::from_bytes(Bytes(32, 9)),
               .data = {99}};
  pair.a.receive(foreign);
  EXPECT_EQ(pair.a.mixes, 0);
}

TEST(PairExchange, APeerThatSaysHelloAgainMidExchangeDoesNoHarm) {
  Pair pair;
  pair.a.offer(pair.now);
  pair.encode_both();
  pair.a.receive(EdgeHello{.incarnation = 77, .peer_incarnation = 0, .applied = 0, .step = 0});
  EXPECT_EQ(pair.a.history_losses, 1);
  pair.deliver_bulk(true);
  EXPECT_EQ(pair.a.mixes, 1);
}

}  // namespace
}  // namespace starling::protocol
