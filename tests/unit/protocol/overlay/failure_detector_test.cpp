// SWIM probes with Lifeguard's local health.

#include "protocol/overlay/failure_detector.h"

#include <gtest/gtest.h>

#include "protocol/limits.h"
#include "tests/support/effects_view.h"
#include "tests/support/instants.h"
#include "tests/support/virtual_network.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::at;
using testing::sent;
using testing::sent_to;
using testing::test_id;

/// A detector that watches nodes 1..count, whose answers the test gives by hand.
class Watch {
 public:
  explicit Watch(std::size_t count) : detector({.seed = 5, .interval_scale = 1}) {
    for (std::size_t i = 1; i <= count; ++i) detector.neighbour_up(test_id(i), now);
  }

  FailureDetector detector;
  Instant now;

  /// Ticks until `end`; every ping to a peer that `answers` is answered after 10 ms.
  template <class Answers>
  void run_until(Instant end, Answers answers) {
    while (detector.next_deadline() <= end) {
      now = detector.next_deadline();
      Effects effects;
      detector.tick(now, effects);
      for (const auto& [peer, ping] : sent_to<Ping>(effects)) {
        if (answers(peer)) detector.receive(peer, Pong{ping.nonce}, now + 10ms, effects);
      }
    }
    now = end;
  }
};

TEST(FailureDetector, LeavesNeighboursAloneThatAnswer) {
  Watch watch(4);
  watch.run_until(at(120s), [](const NodeId&) { return true; });
  EXPECT_TRUE(watch.detector.take_dead().empty());
  EXPECT_EQ(watch.detector.local_health_multiplier(), 1);
}

TEST(FailureDetector, MeasuresTheRoundTrip) {
  Watch watch(1);
  EXPECT_FALSE(watch.detector.round_trip(test_id(1)));
  watch.run_until(at(30s), [](const NodeId&) { return true; });
  EXPECT_EQ(watch.detector.round_trip(test_id(1)), Duration(10ms));
}

TEST(FailureDetector, DeclaresDeadWhoAnswersNobody) {
  Watch watch(4);
  watch.run_until(at(120s), [](const NodeId& peer) { return peer != test_id(2); });
  EXPECT_EQ(watch.detector.take_dead(), std::vector{test_id(2)});
  EXPECT_TRUE(watch.detector.take_dead().empty()) << "reported once";
}

TEST(FailureDetector, ABusyLinkWhoseAnswersWaitBehindOtherBytesIsNotSilent) {
  Watch watch(4);
  for (Duration time = 0s; time < 120s; time += 1s) {
    watch.run_until(at(time), [](const NodeId& peer) { return peer != test_id(2); });
    watch.detector.heard(test_id(2), watch.now);
  }
  EXPECT_TRUE(watch.detector.take_dead().empty());
  watch.run_until(at(150s), [](const NodeId& peer) { return peer != test_id(2); });
  EXPECT_EQ(watch.detector.take_dead(), std::vector{test_id(2)}) << "the bytes have ended";
}

/// What others say of node 1 whenever they are asked.
void run_with_helpers(Watch& watch, Instant end, bool says_alive) {
  while (watch.detector.next_deadline() <= end) {
    watch.now = watch.detector.next_deadline();
    Effects effects;
    watch.detector.tick(watch.now, effects);
    for (const auto& [peer, ping] : sent_to<Ping>(effects)) {
      if (peer != test_id(1)) watch.detector.receive(peer, Pong{ping.nonce}, watch.now, effects);
    }
    for (const auto& [helper, ping] : sent_to<IndirectPing>(effects)) {
      watch.detector.receive(helper, IndirectPong{ping.target, ping.nonce, says_alive}, watch.now,
                             effects);
    }
  }
  watch.now = end;
}

// An address has changed, or a router has forgotten the connection: the peer lives, the link does
// not.
TEST(FailureDetector, GivesUpALinkThatCarriesNothingAlthoughOthersReachThePeer) {
  Watch watch(4);
  run_with_helpers(watch, at(15s), true);
  EXPECT_EQ(watch.detector.take_dead(), std::vector{test_id(1)});
}

TEST(FailureDetector, OneLostProbeOfAPeerThatOthersReachIsNoDeath) {
  Watch watch(4);
  bool is_lost = true;
  while (watch.detector.next_deadline() <= at(60s)) {
    watch.now = watch.detector.next_deadline();
    Effects effects;
    watch.detector.tick(watch.now, effects);
    for (const auto& [peer, ping] : sent_to<Ping>(effects)) {
      if (peer == test_id(1) && std::exchange(is_lost, false)) continue;
      watch.detector.receive(peer, Pong{ping.nonce}, watch.now, effects);
    }
    for (const auto& [helper, ping] : sent_to<IndirectPing>(effects)) {
      watch.detector.receive(helper, IndirectPong{ping.target, ping.nonce, true}, watch.now,
                             effects);
    }
  }
  EXPECT_FALSE(is_lost);
  EXPECT_TRUE(watch.detector.take_dead().empty());
}

TEST(FailureDetector, NoticesWithin15SecondsThatHalfOfASmallSwarmIsGone) {
  Watch watch(3);
  watch.run_until(at(16s), [](const NodeId& peer) { return peer == test_id(1); });
  EXPECT_EQ(watch.detector.take_dead().size(), 2U);
}

TEST(FailureDetector, AsksThreeOthersBeforeItJudges) {
  Watch watch(6);
  Effects effects;
  watch.detector.tick(at(0s), effects);
  for (std::size_t i = 2; i <= 6; ++i) {
    for (const auto& [peer, ping] : sent_to<Ping>(Effects(effects))) {
      if (peer == test_id(i)) watch.detector.receive(peer, Pong{ping.nonce}, at(1s), effects);
    }
  }
  effects.items.clear();
  watch.detector.tick(at(limits::ping_time_max), effects);
  const auto asked = sent<IndirectPing>(effects);
  ASSERT_EQ(asked.size(), static_cast<std::size_t>(limits::indirect_probes));
  EXPECT_EQ(asked[0].target, test_id(1));
  EXPECT_TRUE(watch.detector.take_dead().empty());
}

TEST(FailureDetector, BelievesAnotherThatReachesThePeer) {
  Watch watch(2);
  Effects effects;
  watch.detector.tick(at(0s), effects);
  for (const auto& [peer, ping] : sent_to<Ping>(Effects(effects))) {
    if (peer == test_id(2)) watch.detector.receive(peer, Pong{ping.nonce}, at(1s), effects);
  }
  effects.items.clear();
  watch.detector.tick(at(limits::ping_time_max), effects);
  ASSERT_EQ(sent<IndirectPing>(effects).size(), 1U);
  const std::uint64_t nonce = sent<IndirectPing>(effects)[0].nonce;
  watch.detector.receive(test_id(2), IndirectPong{test_id(1), nonce, true}, at(4s), effects);
  watch.run_until(at(30s), [](const NodeId&) { return true; });
  EXPECT_TRUE(watch.detector.take_dead().empty());
}

TEST(FailureDetector, ProbesForAnotherAndPassesTheAnswerOn) {
  Watch watch(2);
  Effects effects;
  watch.detector.receive(test_id(1), IndirectPing{test_id(2), 77}, at(1s), effects);
  const auto pings = sent_to<Ping>(effects);
  ASSERT_EQ(pings.size(), 1U);
  EXPECT_EQ(pings[0].first, test_id(2));
  effects.items.clear();
  watch.detector.receive(test_id(2), Pong{pings[0].second.nonce}, at(2s), effects);
  const auto answers = sent_to<IndirectPong>(effects);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].first, test_id(1));
  EXPECT_EQ(answers[0].second.nonce, 77U);
  EXPECT_TRUE(answers[0].second.alive);
}

TEST(FailureDetector, TellsTheRequesterThatTheTargetIsSilent) {
  Watch watch(2);
  Effects effects;
  watch.detector.receive(test_id(1), IndirectPing{test_id(2), 77}, at(1s), effects);
  effects.items.clear();
  watch.detector.tick(at(1s + limits::ping_time_max), effects);
  const auto answers = sent<IndirectPong>(effects);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_FALSE(answers[0].alive);
}

TEST(FailureDetector, RelaysABoundedNumberOfProbes) {
  Watch watch(2);
  Effects effects;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    watch.detector.receive(test_id(1), IndirectPing{test_id(2), i}, at(1s), effects);
  }
  EXPECT_EQ(sent<Ping>(effects).size(), limits::relayed_probes_max);
}

TEST(FailureDetector, DoubtsItselfWhenNobodyAnswersAndRecovers) {
  Watch watch(8);
  watch.run_until(at(4s), [](const NodeId&) { return false; });
  const int doubtful = watch.detector.local_health_multiplier();
  EXPECT_EQ(doubtful, limits::local_health_multiplier_max);
  EXPECT_TRUE(watch.detector.take_dead().empty());
  for (std::size_t i = 1; i <= 8; ++i) watch.detector.neighbour_down(test_id(i));
  watch.detector.neighbour_up(test_id(9), watch.now);
  watch.run_until(at(1000s), [](const NodeId&) { return true; });
  EXPECT_EQ(watch.detector.local_health_multiplier(), 1);
}

TEST(FailureDetector, IgnoresAnAnswerItDidNotAskFor) {
  Watch watch(1);
  Effects effects;
  watch.detector.tick(at(0s), effects);
  watch.detector.receive(test_id(1), Pong{12345}, at(1s), effects);
  watch.run_until(at(60s), [](const NodeId&) { return false; });
  EXPECT_EQ(watch.detector.take_dead(), std::vector{test_id(1)});
}

}  // namespace
}  // namespace starling::protocol
