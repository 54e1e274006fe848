#include "node/runtime/gateway.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "tests/unit/node_runtime/stand_in_routers.h"

namespace starling::runtime {
namespace {

using namespace std::chrono_literals;
using testing::NatPmpRouter;
using testing::UpnpRouter;
using Requests = std::vector<NatPmpRouter::Request>;

TEST(NatPmpGateway, OpensThePortThatTheRouterChooses) {
  NatPmpRouter router("203.0.113.1", 61000);
  const auto gateway = natpmp_gateway(router.host());
  const auto opened = gateway->open("10.0.0.2", 4747);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->host, "203.0.113.1");
  EXPECT_EQ(opened->port, 61000);
  EXPECT_EQ(opened->lease, port_lease);
  EXPECT_EQ(router.requests(), (Requests{{4747, 4747, 1200}}));
}

TEST(NatPmpGateway, RenewsThePortThatItHasAndClosesItAtTheEnd) {
  NatPmpRouter router("203.0.113.1", 61000);
  const auto gateway = natpmp_gateway(router.host());
  ASSERT_TRUE(gateway->open("10.0.0.2", 4747));
  ASSERT_TRUE(gateway->open("10.0.0.2", 4747));
  gateway->close();
  gateway->close();  // there is nothing to close any more
  EXPECT_EQ(router.requests(), (Requests{{4747, 4747, 1200}, {4747, 61000, 1200}, {4747, 0, 0}}));
}

TEST(NatPmpGateway, OpensNothingAtARouterThatRefuses) {
  NatPmpRouter router("203.0.113.1", 0);
  const auto gateway = natpmp_gateway(router.host());
  EXPECT_FALSE(gateway->open("10.0.0.2", 4747));
  gateway->close();
  EXPECT_EQ(router.requests(), (Requests{{4747, 4747, 1200}}));
}

TEST(NatPmpGateway, OpensNothingWhereNobodyAnswers) {
  EXPECT_FALSE(natpmp_gateway("127.53.52.1")->open("10.0.0.2", 4747));
}

TEST(UpnpGateway, OpensThePortAndClosesItAtTheEnd) {
  UpnpRouter router("203.0.113.1");
  const auto gateway = upnp_gateway();
  const auto opened = gateway->open("127.0.0.1", 4747);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->host, "203.0.113.1");
  EXPECT_EQ(opened->port, 4747);
  EXPECT_EQ(opened->lease, port_lease);
  EXPECT_EQ(router.mappings().at(4747), "127.0.0.1:4747 1200");
  ASSERT_TRUE(gateway->open("127.0.0.1", 4747));
  EXPECT_EQ(router.mappings().size(), 1U);
  gateway->close();
  EXPECT_TRUE(router.mappings().empty());
}

TEST(UpnpGateway, TakesAnotherPortWhereTheWantedOneIsSomebodyElses) {
  UpnpRouter router("203.0.113.1", 4747);
  const auto gateway = upnp_gateway();
  const auto opened = gateway->open("127.0.0.1", 4747);
  ASSERT_TRUE(opened);
  EXPECT_GE(opened->port, 49152);
  EXPECT_EQ(router.mappings().at(opened->port), "127.0.0.1:4747 1200");
}

TEST(UpnpGateway, TakesAPortForEverWhereTheRouterKnowsNoOtherLease) {
  UpnpRouter router("203.0.113.1", 0, true);
  const auto gateway = upnp_gateway();
  ASSERT_TRUE(gateway->open("127.0.0.1", 4747));
  EXPECT_EQ(router.mappings().at(4747), "127.0.0.1:4747 0");
  gateway->close();
  EXPECT_TRUE(router.mappings().empty());
}

TEST(UpnpGateway, OpensNothingWhereNobodyAnswers) {
  EXPECT_FALSE(upnp_gateway()->open("127.0.0.1", 4747));
}

}  // namespace
}  // namespace starling::runtime
