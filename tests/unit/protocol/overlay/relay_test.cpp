// Circuits between two links of a node: budgets, windows, and their ends.

#include "protocol/overlay/relay.h"

#include <gtest/gtest.h>

#include "protocol/limits.h"
#include "tests/support/effects_view.h"
#include "tests/support/virtual_network.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::sent;
using testing::sent_to;
using testing::test_id;

class RelayTest : public ::testing::Test {
 protected:
  RelayTest() {
    for (const NodeId& peer : {a, b, c}) relay.link_up(peer, PathKind::direct);
  }
  [[nodiscard]] Handled open(std::uint64_t circuit, const NodeId& from, const NodeId& to) {
    return relay.receive(from, CircuitOpen{circuit, from, to}, now, effects);
  }
  [[nodiscard]] Handled data(const NodeId& from, std::size_t bytes) {
    return relay.receive(from, CircuitData{1, Bytes(bytes)}, now, effects);
  }
  /// Takes up what was passed on to `peer`, at once.
  void take_up(const NodeId& peer, std::uint64_t bytes) {
    EXPECT_TRUE(relay.receive(peer, CircuitCredit{1, bytes}, now, effects));
  }
  /// What was granted to `peer` since the last call.
  std::uint64_t granted(const NodeId& peer) {
    std::uint64_t bytes = 0;
    for (const auto& [to, credit] : sent_to<CircuitCredit>(effects)) {
      if (to == peer) bytes += credit.bytes;
    }
    return bytes;
  }

  const NodeId a = test_id(1);
  const NodeId b = test_id(2);
  const NodeId c = test_id(3);
  const NodeId stranger = test_id(9);
  Relay relay{1};
  Effects effects;
  Instant now;
};

TEST_F(RelayTest, PassesOnBetweenItsOwnLinksAndCounts) {
  ASSERT_TRUE(open(1, a, b));
  ASSERT_EQ(sent_to<CircuitOpen>(effects).size(), 1U);
  EXPECT_EQ(sent_to<CircuitOpen>(effects)[0].first, b);
  ASSERT_TRUE(data(a, 100));
  ASSERT_TRUE(data(b, 50));
  const auto passed = sent_to<CircuitData>(effects);
  ASSERT_EQ(passed.size(), 2U);
  EXPECT_EQ(passed[0].first, b);
  EXPECT_EQ(passed[1].first, a);
  EXPECT_EQ(relay.relayed_bytes(), 150U);
}

TEST_F(RelayTest, OpensNothingToWhomItHasNoLinkWith) {
  ASSERT_TRUE(open(1, a, stranger));
  ASSERT_EQ(sent<CircuitClose>(effects).size(), 1U);
  EXPECT_EQ(sent<CircuitClose>(effects)[0].reason, CircuitEnd::no_link);
  EXPECT_EQ(relay.circuits(), 0U);
}

TEST_F(RelayTest, OpensNothingOverALinkThatIsRelayedItself) {
  relay.link_down(b, effects);
  relay.link_up(b, PathKind::relayed);
  ASSERT_TRUE(open(1, a, b));
  EXPECT_EQ(sent<CircuitClose>(effects).size(), 1U);
}

TEST_F(RelayTest, OpensNothingInTheNameOfAnother) {
  EXPECT_EQ(relay.receive(a, CircuitOpen{1, c, b}, now, effects).error(), RejectReason::unexpected);
}

TEST_F(RelayTest, BoundsTheCircuitsOfOnePeer) {
  for (std::uint64_t i = 0; i <= limits::circuits_per_peer_max; ++i) {
    ASSERT_TRUE(open(i, a, b));
    now = now + 1s;
  }
  ASSERT_EQ(sent<CircuitClose>(effects).size(), 1U);
  EXPECT_EQ(sent<CircuitClose>(effects)[0].reason, CircuitEnd::too_many);
  ASSERT_TRUE(open(100, c, b));
  EXPECT_EQ(relay.circuits(), limits::circuits_per_peer_max + 1);
}

TEST_F(RelayTest, LetsAPeerOpenFewCircuitsASecond) {
  for (std::uint64_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(open(i, a, b));
    relay.receive(a, CircuitClose{i, CircuitEnd::closed}, effects);
  }
  EXPECT_EQ(sent<CircuitOpen>(effects).size(),
            static_cast<std::size_t>(limits::circuits_opened_per_second_max));
}

TEST_F(RelayTest, GrantsAWindowAndNoMoreUntilTheOtherEndHasTakenItUp) {
  ASSERT_TRUE(open(1, a, b));
  EXPECT_EQ(granted(a), limits::circuit_window_bytes);
  ASSERT_TRUE(data(a, 4096));
  ASSERT_TRUE(data(a, limits::circuit_window_bytes - 4096));
  now = now + 5s;
  relay.tick(now, effects);
  EXPECT_EQ(granted(a), limits::circuit_window_bytes);
  take_up(b, limits::circuit_window_bytes);
  EXPECT_EQ(granted(a), 2 * limits::circuit_window_bytes);
}

TEST_F(RelayTest, EndsACircuitWhoseSenderTakesMoreThanItWasGranted) {
  ASSERT_TRUE(open(1, a, b));
  EXPECT_EQ(data(a, limits::circuit_window_bytes + 1).error(), RejectReason::flood);
  EXPECT_EQ(relay.circuits(), 0U);
  EXPECT_EQ(sent<CircuitClose>(effects).size(), 2U);
}

TEST_F(RelayTest, EndsACircuitWhoseReceiverTakesUpMoreThanItGot) {
  ASSERT_TRUE(open(1, a, b));
  EXPECT_EQ(relay.receive(b, CircuitCredit{1, 1}, now, effects).error(), RejectReason::flood);
  EXPECT_EQ(relay.circuits(), 0U);
}

TEST_F(RelayTest, KeepsACircuitWithinItsBudget) {
  ASSERT_TRUE(open(1, a, b));
  const Instant end = now + 20s;
  std::uint64_t sent_bytes = 0;
  while (now < end) {
    const std::uint64_t piece = granted(a) - sent_bytes;
    for (std::uint64_t left = piece; left > 0;) {
      const auto bytes = std::min<std::uint64_t>(left, limits::circuit_data_bytes_max);
      ASSERT_TRUE(data(a, bytes));
      take_up(b, bytes);
      left -= bytes;
    }
    sent_bytes += piece;
    now = std::max(now + 1ms, std::min(end, relay.next_deadline()));
    relay.tick(now, effects);
  }
  const double rate = static_cast<double>(relay.relayed_bytes()) / 20;
  EXPECT_LT(rate, limits::circuit_bytes_per_second * 1.03);
  EXPECT_GT(rate, limits::circuit_bytes_per_second * 0.9);
}

TEST_F(RelayTest, EndsCircuitsWithEitherLink) {
  ASSERT_TRUE(open(1, a, b));
  ASSERT_TRUE(open(2, a, c));
  relay.link_down(b, effects);
  ASSERT_EQ(sent_to<CircuitClose>(effects).size(), 1U);
  EXPECT_EQ(sent_to<CircuitClose>(effects)[0].first, a);
  EXPECT_EQ(sent<CircuitClose>(effects)[0].reason, CircuitEnd::link_lost);
  EXPECT_EQ(relay.circuits(), 1U);
}

TEST_F(RelayTest, EndsCircuitsThatCarryNothing) {
  ASSERT_TRUE(open(1, a, b));
  now = now + limits::circuit_idle_time_max;
  EXPECT_LE(relay.next_deadline(), now);
  relay.tick(now, effects);
  EXPECT_EQ(relay.circuits(), 0U);
  EXPECT_EQ(sent<CircuitClose>(effects).size(), 2U);
}

TEST_F(RelayTest, IgnoresWhoIsNoEndOfTheCircuit) {
  ASSERT_TRUE(open(1, a, b));
  EXPECT_TRUE(data(c, 10));
  EXPECT_TRUE(sent<CircuitData>(effects).empty());
  relay.receive(c, CircuitClose{1, CircuitEnd::closed}, effects);
  EXPECT_EQ(relay.circuits(), 1U);
}

}  // namespace
}  // namespace starling::protocol
