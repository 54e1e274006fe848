// What a node believes of its own address, and what it does for others who ask.

#include "protocol/overlay/own_reach.h"

#include <gtest/gtest.h>

#include <optional>

#include "protocol/limits.h"
#include "tests/support/effects_view.h"
#include "tests/support/virtual_network.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::sent;
using testing::sent_to;
using testing::test_id;

const std::string own = "10.0.0.2:4000";
const std::string outside = "203.0.113.7:4000";

class OwnReachTest : public ::testing::Test {
 protected:
  void link(std::size_t peer, const std::string& seen_at) {
    reach.link_up(test_id(peer), seen_at, effects);
  }
  void observe(std::size_t peer, const std::string& address) {
    reach.receive(test_id(peer), ObservedAddress{address}, now);
  }
  /// Lets time pass until a peer is asked to dial back.
  std::optional<std::pair<NodeId, DialBackRequest>> asked() {
    effects = {};
    for (int i = 0; i < 20 && reach.next_deadline() != Instant::never(); ++i) {
      now = std::max(now, reach.next_deadline());
      reach.tick(now, effects);
      const auto requests = sent_to<DialBackRequest>(effects);
      if (!requests.empty()) return requests.front();
    }
    return std::nullopt;
  }
  void answer(bool is_reached) {
    const auto request = asked();
    ASSERT_TRUE(request.has_value());
    const auto outcome = is_reached ? DialBackOutcome::reached : DialBackOutcome::failed;
    reach.receive(request->first, DialBackReply{request->second.nonce, outcome}, now);
  }

  OwnReach reach{own, 1};
  Effects effects;
  Instant now;
};

TEST_F(OwnReachTest, TellsEveryPeerWhereItIsSeen) {
  link(1, outside);
  link(2, "");  // over a relay
  const auto told = sent_to<ObservedAddress>(effects);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].first, test_id(1));
  EXPECT_EQ(told[0].second.address, outside);
}

TEST_F(OwnReachTest, IsReachableWhereItListensOnceAPeerHasDialledBack) {
  link(1, "10.0.0.1:4000");
  observe(1, own);
  EXPECT_EQ(reach.reach(), Reach::unknown);
  answer(true);
  EXPECT_EQ(reach.reach(), Reach::open);
  EXPECT_EQ(reach.announced(), own);
}

TEST_F(OwnReachTest, IsBehindARouterWhereNobodyGetsThrough) {
  link(1, "198.51.100.1:4000");
  observe(1, outside);
  answer(false);
  EXPECT_EQ(reach.reach(), Reach::behind_nat);
  EXPECT_EQ(reach.announced(), own);
}

TEST_F(OwnReachTest, TakesARefusalForNoAnswer) {
  link(1, "198.51.100.1:4000");
  observe(1, outside);
  const auto request = asked();
  ASSERT_TRUE(request.has_value());
  reach.receive(test_id(1), DialBackReply{request->second.nonce, DialBackOutcome::refused}, now);
  EXPECT_EQ(reach.reach(), Reach::unknown);
}

TEST_F(OwnReachTest, AsksOnePeerForOneAddressAtATime) {
  link(1, "198.51.100.1:4000");
  reach.mapped("203.0.113.7:1000", true, now);
  reach.mapped("203.0.113.7:1001", true, now);
  reach.tick(now, effects);
  EXPECT_EQ(sent<DialBackRequest>(effects).size(), 1U);
  const Instant first = now;
  ASSERT_TRUE(asked().has_value());
  EXPECT_GE(now - first, limits::dial_back_interval);
}

TEST_F(OwnReachTest, DoesNotBelieveOnePeerThatNamesAnAddressAndConfirmsIt) {
  link(1, "198.51.100.1:4000");
  observe(1, outside);
  answer(true);
  EXPECT_EQ(reach.announced(), own);
  EXPECT_NE(reach.reach(), Reach::open);
}

TEST_F(OwnReachTest, DoesNotBelieveTwoPeersOfOneNetworkWhereAnotherIsSilent) {
  link(1, "198.51.100.1:4000");
  link(2, "198.51.100.2:4000");
  link(3, "203.0.114.3:4000");
  observe(1, outside);
  observe(2, outside);
  answer(true);
  EXPECT_EQ(reach.announced(), own);
  observe(3, outside);
  EXPECT_EQ(reach.announced(), outside + "," + own);
  EXPECT_EQ(reach.reach(), Reach::open);
}

TEST_F(OwnReachTest, AnnouncesAMappedPortOnceItIsProvenAndNoLongerThanItIsOpen) {
  link(1, "198.51.100.1:4000");
  reach.mapped(outside, true, now);
  EXPECT_EQ(reach.announced(), own);
  answer(true);
  EXPECT_EQ(reach.reach(), Reach::mapped);
  EXPECT_EQ(reach.announced(), outside + "," + own);
  EXPECT_TRUE(reach.take_change());
  reach.mapped(outside, false, now);
  EXPECT_TRUE(reach.take_change());
  EXPECT_EQ(reach.announced(), own);
  EXPECT_EQ(reach.reach(), Reach::unknown);
}

TEST_F(OwnReachTest, ForgetsEverythingWhenTheMachineMoves) {
  link(1, "10.0.0.1:4000");
  observe(1, own);
  answer(true);
  reach.moved("10.9.9.9:4000");
  EXPECT_EQ(reach.reach(), Reach::unknown);
  EXPECT_EQ(reach.announced(), "10.9.9.9:4000");
}

TEST_F(OwnReachTest, BoundsTheAddressesThatItHasTested) {
  for (std::size_t i = 0; i < limits::own_addresses_max + 5; ++i) {
    reach.mapped("203.0.113.7:" + std::to_string(1000 + i), true, now);
  }
  link(1, "198.51.100.1:4000");
  std::set<std::string> addresses;
  for (int i = 0; i < 40; ++i) {
    const auto request = asked();
    if (!request) break;
    addresses.insert(request->second.address);
    reach.receive(request->first, DialBackReply{request->second.nonce, DialBackOutcome::failed},
                  now);
  }
  EXPECT_EQ(addresses.size(), limits::own_addresses_max);
}

// --- Dialling back for others ---

TEST_F(OwnReachTest, DialsBackTheMachineThatAsks) {
  link(1, outside);
  reach.receive(test_id(1), DialBackRequest{7, "203.0.113.7:9000"}, now, effects);
  ASSERT_EQ(testing::count_of<ProbeAddress>(effects), 1U);
  reach.probed(test_id(1), 7, true, effects);
  ASSERT_EQ(sent<DialBackReply>(effects).size(), 1U);
  EXPECT_EQ(sent<DialBackReply>(effects)[0], (DialBackReply{7, DialBackOutcome::reached}));
}

TEST_F(OwnReachTest, DialsNobodyElse) {
  link(1, outside);
  for (const std::string address :
       {"203.0.113.8:4000", "victim.example:80", "203.0.113.7:1,203.0.113.8:2", "nonsense", ""}) {
    reach.receive(test_id(1), DialBackRequest{7, address}, now, effects);
  }
  EXPECT_EQ(testing::count_of<ProbeAddress>(effects), 0U);
  EXPECT_EQ(sent<DialBackReply>(effects).size(), 5U);
}

TEST_F(OwnReachTest, DialsBackSeldom) {
  link(1, outside);
  for (std::uint64_t i = 0; i < 100; ++i) {
    reach.receive(test_id(1), DialBackRequest{i, outside}, now, effects);
    reach.probed(test_id(1), i, false, effects);
    now = now + 100ms;
  }
  EXPECT_LE(testing::count_of<ProbeAddress>(effects), 2U);
}

TEST_F(OwnReachTest, DialsBackFewAtATime) {
  for (std::size_t peer = 1; peer <= 20; ++peer) {
    link(peer, outside);
    reach.receive(test_id(peer), DialBackRequest{peer, outside}, now, effects);
  }
  EXPECT_EQ(testing::count_of<ProbeAddress>(effects), limits::dial_backs_pending_max);
}

TEST(Networks, AreTheFirstHalfOfAnAddress) {
  EXPECT_EQ(network_of("203.0.113.7:80"), "203.0");
  EXPECT_EQ(network_of("[2001:db8:1::5]:80"), "2001:db8");
  EXPECT_EQ(host_of("[2001:db8:1::5]:80"), "2001:db8:1::5");
  EXPECT_EQ(host_of("1.2.3.4:5,6.7.8.9:1"), "");
}

}  // namespace
}  // namespace starling::protocol
