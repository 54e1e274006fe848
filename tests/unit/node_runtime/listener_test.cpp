#include "node/runtime/listener.h"

#include <fcntl.h>
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

TEST(Listener, NamesThePortThatTheSystemChose) {
  const Result<Listener> listener = listen_on("127.0.0.1:0");
  ASSERT_TRUE(listener.has_value()) << listener.error().message;
  EXPECT_EQ(listener->address.rfind("127.0.0.1:", 0), 0U);
  EXPECT_NE(listener->address, "127.0.0.1:0");
}

TEST(Listener, NamesThePortThatIsInUse) {
  const Result<Listener> first = listen_on("127.0.0.1:0");
  const Result<Listener> second = listen_on(first->address);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind, ErrorKind::invalid_input);
  EXPECT_NE(second.error().message.find(first->address), std::string::npos);
  EXPECT_NE(second.error().message.find("in use"), std::string::npos);
}

TEST(Listener, TakesOverAnInheritedSocket) {
  Result<Listener> parent = listen_on("127.0.0.1:0");
  const Result<Listener> child = inherited_listener(parent->socket.release());
  ASSERT_TRUE(child.has_value());
  EXPECT_EQ(child->address, parent->address);
}

TEST(Listener, RefusesADescriptorThatDoesNotListen) {
  const FileDescriptor file(::open("/dev/null", O_RDONLY));
  const auto listener = inherited_listener(file.get());
  ASSERT_FALSE(listener.has_value());
  EXPECT_EQ(listener.error().kind, ErrorKind::invalid_input);
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

TEST(AnnouncedAddress, IsTheListenersOwnWhereThatCanBeDialled) {
  const auto listener = listen_on("127.0.0.1:0");
  ASSERT_TRUE(listener);
  EXPECT_EQ(announced_address(*listener, {}), listener->address);
}

TEST(AnnouncedAddress, OfAllInterfacesIsTheHostOnTheWayToTheFirstDestinationWithARoute) {
  const auto listener = listen_on("0.0.0.0:0");
  ASSERT_TRUE(listener);
  const std::string port = parse_host_port(listener->address)->port;
  const std::vector<std::string> destinations = {"256.0.0.1:1", "127.0.0.1:4747"};
  EXPECT_EQ(announced_address(*listener, destinations), "127.0.0.1:" + port);
}

TEST(AnnouncedAddress, OfAllInterfacesWithoutADestinationIsRefused) {
  const auto listener = listen_on("0.0.0.0:0");
  ASSERT_TRUE(listener);
  const auto refused = announced_address(*listener, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid_input);
}

}  // namespace
}  // namespace starling::runtime
