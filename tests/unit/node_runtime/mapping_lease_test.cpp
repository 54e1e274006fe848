#include "node/runtime/mapping_lease.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "tests/support/instants.h"

namespace starling::runtime {
namespace {

using namespace std::chrono_literals;
using testing::at;
using News = std::vector<MappingNews>;

const MappingNews up{"203.0.113.1:4747", true};
const MappingNews down{"203.0.113.1:4747", false};

TEST(MappingLease, AsksAtOnceAndAgainAtHalfTheLease) {
  MappingLease lease;
  EXPECT_LE(lease.ask_at(), at(0s));
  EXPECT_EQ(lease.granted(up.address, 20min, at(0s)), News{up});
  EXPECT_EQ(lease.ask_at(), at(10min));
}

TEST(MappingLease, ARenewalAtTheSameAddressIsNoNews) {
  MappingLease lease;
  static_cast<void>(lease.granted(up.address, 20min, at(0s)));
  EXPECT_TRUE(lease.granted(up.address, 20min, at(10min)).empty());
  EXPECT_EQ(lease.ask_at(), at(20min));
}

TEST(MappingLease, AnotherAddressTakesThePlaceOfTheFirst) {
  MappingLease lease;
  static_cast<void>(lease.granted(up.address, 20min, at(0s)));
  EXPECT_EQ(lease.granted("203.0.113.77:4747", 20min, at(10min)),
            (News{down, {"203.0.113.77:4747", true}}));
}

TEST(MappingLease, StaysUntilItIsOverIfTheRouterDoesNotAnswer) {
  MappingLease lease;
  static_cast<void>(lease.granted(up.address, 20min, at(0s)));
  EXPECT_TRUE(lease.refused(at(10min)).empty());
  EXPECT_EQ(lease.ask_at(), at(10min + MappingLease::retry_pause_held));
  EXPECT_TRUE(lease.is_held());
  EXPECT_EQ(lease.refused(at(20min)), News{down});
  EXPECT_FALSE(lease.is_held());
  EXPECT_EQ(lease.ask_at(), at(20min + MappingLease::retry_pause_first));
}

TEST(MappingLease, IsAskedForLessAndLessOftenWhereNobodyGrantsIt) {
  MappingLease lease;
  Duration pause = MappingLease::retry_pause_first;
  Instant now;
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(lease.refused(now).empty());
    EXPECT_EQ(lease.ask_at() - now, pause);
    now = lease.ask_at();
    pause = std::min(2 * pause, MappingLease::retry_pause_max);
  }
  EXPECT_TRUE(lease.moved(now).empty());
  EXPECT_TRUE(lease.refused(now).empty());
  EXPECT_EQ(lease.ask_at() - now, MappingLease::retry_pause_first);
}

TEST(MappingLease, IsGivenUpAndAskedForAnewInAnotherNetwork) {
  MappingLease lease;
  static_cast<void>(lease.granted(up.address, 20min, at(0s)));
  EXPECT_EQ(lease.moved(at(60s)), News{down});
  EXPECT_EQ(lease.ask_at(), at(60s));
  EXPECT_TRUE(lease.moved(at(61s)).empty());
}

TEST(MappingLease, ARouterThatGrantsASecondIsNotAskedAllTheTime) {
  MappingLease lease;
  static_cast<void>(lease.granted(up.address, 1s, at(0s)));
  EXPECT_EQ(lease.ask_at(), at(MappingLease::retry_pause_held));
}

}  // namespace
}  // namespace starling::runtime
