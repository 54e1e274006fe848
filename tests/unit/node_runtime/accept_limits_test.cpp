#include "node/runtime/accept_limits.h"

#include <gtest/gtest.h>

#include <string>

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

TEST(TokenBucket, LetsItsRateThroughAtOnceAndAgainAfterASecond) {
  TokenBucket bucket(3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(start));
  EXPECT_FALSE(bucket.take(start));
  EXPECT_TRUE(bucket.take(start + 334ms));
  EXPECT_FALSE(bucket.take(start + 335ms));
}

TEST(AcceptLimits, BoundsTheRateOfOneSource) {
  AcceptLimits accept;
  int admitted = 0;
  for (int i = 0; i < 50; ++i) {
    if (!accept.admit("192.0.2.1", start)) continue;
    accept.handshake_ended();
    ++admitted;
  }
  EXPECT_EQ(admitted, limits::handshakes_per_second_per_prefix);
  EXPECT_TRUE(accept.admit("192.0.2.2", start));
}

TEST(AcceptLimits, BoundsHandshakesUnderWay) {
  AcceptLimits accept;
  std::size_t admitted = 0;
  for (int i = 0; i < 200; ++i) {
    if (accept.admit("192.0.2." + std::to_string(i), start)) ++admitted;
  }
  EXPECT_EQ(admitted, limits::pending_handshakes_max);
  accept.handshake_ended();
  EXPECT_TRUE(accept.admit("198.51.100.1", start));
}

TEST(AcceptLimits, BoundsTheRateOfAllSourcesTogether) {
  AcceptLimits accept;
  int admitted = 0;
  for (int i = 0; i < 1000; ++i) {
    if (!accept.admit(std::to_string(i), start)) continue;
    accept.handshake_ended();
    ++admitted;
  }
  EXPECT_EQ(admitted, limits::handshakes_per_second_max);
}

TEST(AcceptLimits, BoundsConnectionsOfOneSourceUntilOneLeaves) {
  AcceptLimits accept;
  Instant now = start;
  for (std::size_t i = 0; i < limits::connections_per_prefix_max; ++i) {
    ASSERT_TRUE(accept.admit("192.0.2.1", now));
    accept.handshake_ended();
    now = now + 1s;
  }
  EXPECT_FALSE(accept.admit("192.0.2.1", now));
  accept.leave("192.0.2.1", now);
  EXPECT_TRUE(accept.admit("192.0.2.1", now));
}

TEST(AcceptLimits, ASourceThatLeavesAndReturnsDoesNotGetAFreshBurst) {
  AcceptLimits accept;
  int admitted = 0;
  for (int i = 0; i < 50; ++i) {
    if (!accept.admit("192.0.2.1", start)) continue;
    accept.handshake_ended();
    accept.leave("192.0.2.1", start);
    ++admitted;
  }
  EXPECT_EQ(admitted, limits::handshakes_per_second_per_prefix);
}

TEST(AcceptLimits, LeaveATestnetOnThisMachineToTheCommonLimit) {
  AcceptLimits accept;
  int admitted = 0;
  for (int i = 0; i < 2 * limits::handshakes_per_second_per_prefix; ++i) {
    if (!accept.admit("127.0.0.1", start)) continue;
    accept.handshake_ended();
    ++admitted;
  }
  EXPECT_EQ(admitted, 2 * limits::handshakes_per_second_per_prefix);
}

}  // namespace
}  // namespace starling::runtime
