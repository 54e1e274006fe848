#include "protocol/token_bucket.h"

#include <gtest/gtest.h>

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{10s};

TEST(TokenBucket, LetsItsRateThroughAtOnceAndAgainAfterASecond) {
  TokenBucket bucket(3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(start));
  EXPECT_FALSE(bucket.take(start));
  EXPECT_TRUE(bucket.take(start + 334ms));
  EXPECT_FALSE(bucket.take(start + 335ms));
}

TEST(TokenBucket, HoldsNoMoreThanItsSizeHoweverLongItRests) {
  TokenBucket bucket(1, 4);
  EXPECT_TRUE(bucket.full(start));
  EXPECT_FALSE(bucket.take(start, 5));
  EXPECT_TRUE(bucket.take(start, 4));
  EXPECT_FALSE(bucket.full(start + 3900ms));
  EXPECT_DOUBLE_EQ(bucket.left(start + 3600s), 4);
}

TEST(TokenBucket, SaysWhenThereWillBeEnough) {
  TokenBucket bucket(4);
  EXPECT_TRUE(bucket.take(start, 4));
  const Duration wait = bucket.time_until(3, start);
  EXPECT_FALSE(TokenBucket(bucket).take(start + (wait - 1ms), 3));
  EXPECT_TRUE(bucket.take(start + wait, 3));
}

}  // namespace
}  // namespace starling::protocol
