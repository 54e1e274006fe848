#include "protocol/overlay/peer_score.h"

#include <gtest/gtest.h>

#include "protocol/limits.h"
#include "tests/support/instants.h"
#include "tests/support/virtual_network.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::at;
using testing::test_id;

TEST(PeerScore, DropsALinkForWhatOnlyABrokenProgramSends) {
  PeerScore score;
  EXPECT_EQ(score.report(test_id(1), RejectReason::bad_encoding, at(0s)), Sanction::drop);
}

TEST(PeerScore, ForgivesWhatHappensWhileViewsChange) {
  PeerScore score;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(score.report(test_id(1), RejectReason::unexpected, at(0s)), Sanction::none);
  }
}

TEST(PeerScore, BansWhoGoesOnAndLetsThemBackLater) {
  PeerScore score;
  Sanction last = Sanction::none;
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(score.is_banned(test_id(1), at(0s)));
    last = score.report(test_id(1), RejectReason::bad_signature, at(0s));
  }
  EXPECT_EQ(last, Sanction::ban);
  EXPECT_TRUE(score.is_banned(test_id(1), at(1s)));
  EXPECT_FALSE(score.is_banned(test_id(2), at(1s)));
  EXPECT_FALSE(score.is_banned(test_id(1), at(limits::ban_time)));
}

TEST(PeerScore, PointsHalveInEveryHalfLife) {
  PeerScore score;
  score.report(test_id(1), RejectReason::bad_seal, at(10s));
  const double before = score.points(test_id(1), at(10s));
  EXPECT_GT(before, 0);
  EXPECT_NEAR(score.points(test_id(1), at(10s + 2 * limits::score_half_life)), before / 4, 1e-12);
}

TEST(PeerScore, CountsEveryReasonPerPeerAndOverall) {
  PeerScore score;
  score.report(test_id(1), RejectReason::flood, at(0s));
  score.report(test_id(2), RejectReason::flood, at(0s));
  score.count(RejectReason::wrong_tag);
  const auto index = [](RejectReason reason) { return static_cast<std::size_t>(reason); };
  EXPECT_EQ(score.totals()[index(RejectReason::flood)], 2U);
  EXPECT_EQ(score.totals()[index(RejectReason::wrong_tag)], 1U);
  EXPECT_EQ(score.counts(test_id(1))[index(RejectReason::flood)], 1U);
  EXPECT_EQ(score.counts(test_id(3)), RejectCounts{});
}

TEST(PeerScore, RemembersABoundedNumberOfPeersAndTheWorstLongest) {
  PeerScore score;
  for (int i = 0; i < 4; ++i) score.report(test_id(0), RejectReason::bad_seal, at(0s));
  for (std::size_t i = 1; i < 3 * limits::scored_peers_max; ++i) {
    score.report(test_id(i), RejectReason::truncated, at(1s));
  }
  EXPECT_EQ(score.size(), limits::scored_peers_max);
  EXPECT_TRUE(score.is_banned(test_id(0), at(1s)));
}

}  // namespace
}  // namespace starling::protocol
