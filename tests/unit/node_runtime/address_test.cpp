#include "node/runtime/address.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace starling::runtime {
namespace {

TEST(ParseHostPort, SplitsNamesAndBracketedAddresses) {
  EXPECT_EQ(parse_host_port("example.org:80")->host, "example.org");
  EXPECT_EQ(parse_host_port("example.org:80")->port, "80");
  EXPECT_EQ(parse_host_port("[::1]:4000")->host, "::1");
  EXPECT_EQ(parse_host_port("[::1]:4000")->port, "4000");
}

TEST(ParseHostPort, RefusesOtherFormsAndNamesThem) {
  for (const char* text : {"", "host", "host:", ":80", "::1:80", "[]:80"}) {
    const auto parsed = parse_host_port(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().kind, ErrorKind::invalid_input);
    EXPECT_NE(parsed.error().message.find(text), std::string::npos);
  }
}

TEST(ParseHostPort, RefusesPortsThatTheResolverWouldWrapOrLookUp) {
  for (const char* text : {"127.0.0.1:99999", "127.0.0.1:-1", "127.0.0.1:http"}) {
    const auto parsed = parse_host_port(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().kind, ErrorKind::invalid_input);
    EXPECT_NE(parsed.error().message.find("expected 0 to 65535"), std::string::npos);
  }
}

TEST(CheckDialable, RefusesWhatNobodyCanDial) {
  EXPECT_TRUE(check_dialable("example.org:80"));
  EXPECT_TRUE(check_dialable("[::1]:4000"));
  for (const char* text : {"0.0.0.0:4000", "[::]:4000", "127.0.0.1:0", "127.0.0.1:00", "host"}) {
    const auto refused = check_dialable(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_NE(refused.error().message.find(text), std::string::npos);
  }
}

TEST(ParseAddresses, SplitsAListAtItsCommas) {
  const auto addresses = parse_addresses("192.0.2.7:4747,[2001:db8::7]:4747,example.org:80");
  ASSERT_TRUE(addresses) << addresses.error().message;
  ASSERT_EQ(addresses->size(), 3U);
  EXPECT_EQ((*addresses)[1].host, "2001:db8::7");
  EXPECT_EQ((*addresses)[2].port_number(), 80);
}

TEST(ParseAddresses, RefusesAListWithAHoleOrTooMany) {
  for (const char* text : {"", ",", "a:1,", ",a:1", "a:1,,b:1", "a:1,b"}) {
    EXPECT_FALSE(parse_addresses(text)) << text;
  }
  const auto refused = parse_addresses("a:1,b:1,c:1,d:1");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("lists 4 addresses, expected 1 to 3"), std::string::npos);
}

TEST(ParseAddresses, ReadsWhatJoinAddressesWrites) {
  const std::vector<std::string> texts = {address_text("192.0.2.7", "1"), address_text("::1", "2")};
  const auto addresses = parse_addresses(join_addresses(texts));
  ASSERT_TRUE(addresses);
  EXPECT_EQ((*addresses)[0].host, "192.0.2.7");
  EXPECT_EQ((*addresses)[1].host, "::1");
}

TEST(CheckDialable, LooksAtEveryAddressOfAList) {
  EXPECT_TRUE(check_dialable("192.0.2.7:1,[2001:db8::7]:1"));
  EXPECT_FALSE(check_dialable("192.0.2.7:1,[::]:1"));
}

}  // namespace
}  // namespace starling::runtime
