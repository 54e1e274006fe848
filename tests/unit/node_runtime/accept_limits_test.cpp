#include "node/runtime/accept_limits.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace starling::runtime {
namespace {

using namespace std::chrono_literals;
namespace limits = protocol::limits;

constexpr Instant start{10s};

TEST(AddressPrefix, OfVersionFourIsTheWholeAddress) {
  EXPECT_EQ(address_prefix("192.0.2.7"), "192.0.2.7");
}

TEST(AddressPrefix, OfVersionSixIsItsFirst56Bits) {
  EXPECT_EQ(address_prefix("2001:db8:1:2ff::1"), address_prefix("2001:db8:1:2ab:9::2"));
  EXPECT_NE(address_prefix("2001:db8:1:2ff::1"), address_prefix("2001:db8:1:3ff::1"));
}

/// Asks `count` times at `now` for whoever `source` names, and ends each handshake at once.
template <class Source>
int admitted_of(AcceptLimits& accept, int count, Source source, Instant now = start) {
  int admitted = 0;
  for (int i = 0; i < count; ++i) {
    const auto admission = accept.admit(source(i), now);
    if (!admission) continue;
    accept.handshake_ended(admission->number);
    ++admitted;
  }
  return admitted;
}

std::string one_host(int) {
  return "192.0.2.1";
}
std::string own_host(int) {
  return "127.0.0.1";
}
std::string other_host(int number) {
  return "198.51.100." + std::to_string(number);
}

TEST(AcceptLimits, BoundsTheRateOfOneSource) {
  AcceptLimits accept;
  EXPECT_EQ(admitted_of(accept, 50, one_host), limits::handshakes_per_second_per_prefix);
  EXPECT_TRUE(accept.admit("192.0.2.2", start));
}

TEST(AcceptLimits, BoundsTheRateOfAllSourcesTogether) {
  AcceptLimits accept;
  EXPECT_EQ(admitted_of(accept, 1000, other_host), limits::handshakes_per_second_max);
}

TEST(AcceptLimits, ASourceThatSaysNothingKeepsOnlyItsShare) {
  AcceptLimits accept;
  std::size_t admitted = 0;
  for (int i = 0; i < limits::handshakes_per_second_per_prefix; ++i) {
    const auto admission = accept.admit("192.0.2.1", start);
    if (!admission) continue;
    EXPECT_FALSE(admission->displaced);
    ++admitted;
  }
  EXPECT_EQ(admitted, AcceptLimits::pending_per_prefix_max);
}

TEST(AcceptLimits, ASourceAtItsShareGivesUpItsOldestOnceThatHadItsTime) {
  AcceptLimits accept;
  const auto oldest = accept.admit("192.0.2.1", start);
  for (std::size_t i = 1; i < AcceptLimits::pending_per_prefix_max; ++i) {
    ASSERT_TRUE(accept.admit("192.0.2.1", start));
  }
  EXPECT_FALSE(accept.admit("192.0.2.1", start + 499ms));
  const auto newcomer = accept.admit("192.0.2.1", start + 500ms);
  ASSERT_TRUE(newcomer);
  EXPECT_EQ(newcomer->displaced, oldest->number);
}

TEST(AcceptLimits, WhenAllIsFullTheGreediestSourceGivesUpItsOldest) {
  AcceptLimits accept;
  std::vector<AcceptLimits::Number> of_greedy;
  for (std::size_t i = 0; i < AcceptLimits::pending_per_prefix_max; ++i) {
    of_greedy.push_back(accept.admit("192.0.2.1", start)->number);
  }
  const std::size_t others = limits::pending_handshakes_max - of_greedy.size();
  for (std::size_t i = 0; i < others; ++i) {
    ASSERT_FALSE(accept.admit(other_host(static_cast<int>(i)), start)->displaced);
  }
  EXPECT_EQ(accept.admit("203.0.113.1", start)->displaced, of_greedy[0]);
  EXPECT_EQ(accept.admit("203.0.113.2", start)->displaced, of_greedy[1]);
}

TEST(AcceptLimits, AStrangerFromManyAddressesDoesNotShutTheDoorEither) {
  AcceptLimits accept;
  for (std::size_t i = 0; i < limits::pending_handshakes_max; ++i) {
    ASSERT_TRUE(accept.admit(other_host(static_cast<int>(i)), start));
  }
  const auto newcomer = accept.admit("203.0.113.1", start);
  ASSERT_TRUE(newcomer);
  EXPECT_TRUE(newcomer->displaced);
}

TEST(AcceptLimits, ADisplacedHandshakeIsCountedOutOnce) {
  AcceptLimits accept;
  const auto one = accept.admit("192.0.2.1", start);
  ASSERT_EQ(accept.displace(start), one->number);
  EXPECT_EQ(accept.displace(start), std::nullopt);
  accept.handshake_ended(one->number);
  accept.leave(one->number, start);
  const auto two = accept.admit("192.0.2.1", start);
  EXPECT_EQ(accept.displace(start), two->number);
}

TEST(AcceptLimits, BoundsConnectionsOfOneSourceUntilOneLeaves) {
  AcceptLimits accept;
  Instant now = start;
  AcceptLimits::Number last = 0;
  for (std::size_t i = 0; i < limits::connections_per_prefix_max; ++i) {
    const auto admission = accept.admit("192.0.2.1", now);
    ASSERT_TRUE(admission);
    last = admission->number;
    accept.handshake_ended(last);
    now = now + 1s;
  }
  EXPECT_FALSE(accept.admit("192.0.2.1", now));
  accept.leave(last, now);
  EXPECT_TRUE(accept.admit("192.0.2.1", now));
}

TEST(AcceptLimits, ASourceThatLeavesAndReturnsDoesNotGetAFreshBurst) {
  AcceptLimits accept;
  int admitted = 0;
  for (int i = 0; i < 50; ++i) {
    const auto admission = accept.admit("192.0.2.1", start);
    if (!admission) continue;
    accept.leave(admission->number, start);
    ++admitted;
  }
  EXPECT_EQ(admitted, limits::handshakes_per_second_per_prefix);
}

TEST(AcceptLimits, ATestnetOnThisMachineHasMoreThanOneSourcesShare) {
  AcceptLimits accept;
  EXPECT_EQ(admitted_of(accept, 80, own_host), 80);
}

TEST(AcceptLimits, AFloodOnThisMachineLeavesRoomForOtherMachines) {
  AcceptLimits accept;
  EXPECT_EQ(admitted_of(accept, 1000, own_host),
            AcceptLimits::handshakes_per_second_of_this_machine);
  EXPECT_TRUE(accept.admit("192.0.2.1", start));
}

TEST(AcceptLimits, SilenceOnThisMachineLeavesRoomForOtherMachines) {
  AcceptLimits accept;
  std::size_t admitted = 0;
  for (int i = 0; i < 200; ++i) {
    if (accept.admit("127.0.0.1", start)) ++admitted;
  }
  EXPECT_EQ(admitted, AcceptLimits::pending_of_this_machine_max);
  EXPECT_FALSE(accept.admit("192.0.2.1", start)->displaced);
}

}  // namespace
}  // namespace starling::runtime
