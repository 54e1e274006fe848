#include "node/runtime/own_address.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace starling::runtime {
namespace {

using Destinations = std::vector<std::string>;

TEST(AnnouncedAddress, IsTheListenersOwnWhereThatCanBeDialled) {
  const auto listener = listen_on("127.0.0.1:0");
  ASSERT_TRUE(listener);
  EXPECT_EQ(announced_address(*listener, {}), listener->address);
}

TEST(AnnouncedAddress, OfEveryInterfaceIsTheHostOnTheWayToTheDestinations) {
  const Destinations here = {"256.0.0.1:1", "not an address", "127.0.0.1:4747"};
  EXPECT_EQ(announced_address("0.0.0.0:4000", here), "127.0.0.1:4000");
}

TEST(AnnouncedAddress, NamesBothFamiliesWhereItListensForBoth) {
  const std::string v6 = is_own_host("::1") ? ",[::1]:4000" : "";
  const Destinations here = {"127.0.0.1:4747,[::1]:4747"};
  EXPECT_EQ(announced_address("[::]:4000", here), "127.0.0.1:4000" + v6);
  EXPECT_EQ(announced_address("0.0.0.0:4000", here), "127.0.0.1:4000");
}

TEST(AnnouncedAddress, NeedsNoDestination) {
  // Whatever this machine has, or nothing where it has none but its loopback.
  const std::string address = announced_address("[::]:4000", {});
  EXPECT_TRUE(address.empty() || check_dialable(address)) << address;
  EXPECT_EQ(address.find("127.0.0.1"), std::string::npos);
}

TEST(AddressNow, IsTheOwnersWordWhereItIsFinal) {
  const AnnouncedAddress word{.named = "node.example.org:80", .is_final = true};
  EXPECT_EQ(address_now("127.0.0.1:4000", word, {}), "node.example.org:80");
}

TEST(AddressNow, IsTheTicketsWhereThatIsThisMachines) {
  const AnnouncedAddress ticket{.named = "198.51.100.1:80,127.0.0.1:80"};
  EXPECT_EQ(address_now("127.0.0.1:4000", ticket, {}), "198.51.100.1:80,127.0.0.1:80");
}

TEST(AddressNow, AddsTheTicketsToThisMachinesWhereThatIsAnothers) {
  const AnnouncedAddress ticket{.named = "198.51.100.1:80,node.example.org:80,198.51.100.2:80"};
  EXPECT_EQ(address_now("127.0.0.1:4000", ticket, {}),
            "127.0.0.1:4000,198.51.100.1:80,node.example.org:80");
}

TEST(SameAddresses, InAnotherOrderAreTheSame) {
  EXPECT_TRUE(same_addresses("198.51.100.1:80,[::1]:80", "[::1]:80,198.51.100.1:80"));
  EXPECT_TRUE(same_addresses("", ""));
  EXPECT_FALSE(same_addresses("198.51.100.1:80", "198.51.100.1:81"));
  EXPECT_FALSE(same_addresses("198.51.100.1:80", ""));
}

TEST(IsOwnHost, KnowsThisMachine) {
  EXPECT_TRUE(is_own_host("127.0.0.1"));
  EXPECT_FALSE(is_own_host("198.51.100.1"));  // RFC 5737: nobody's
  EXPECT_FALSE(is_own_host("example.org"));
}

}  // namespace
}  // namespace starling::runtime
