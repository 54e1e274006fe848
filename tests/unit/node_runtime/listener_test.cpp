#include "node/runtime/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <fstream>
#include <optional>
#include <string>

#include "node/runtime/own_address.h"
#include "tests/unit/node_runtime/temporary_directory.h"

namespace starling::runtime {
namespace {

using testing::TemporaryDirectory;

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

TEST(Listener, DoesNotShareThePortOfAnotherListenerOnEveryInterface) {
  const Result<Listener> first = listen_on("*:0");
  ASSERT_TRUE(first.has_value()) << first.error().message;
  const std::string port = parse_host_port(first->address)->port;
  EXPECT_FALSE(listen_on("*:" + port));
  EXPECT_FALSE(listen_on("0.0.0.0:" + port));
}

TEST(Listener, OfEveryInterfaceTakesBothFamilies) {
  const Result<Listener> listener = listen_on("*:0");
  ASSERT_TRUE(listener.has_value()) << listener.error().message;
  const std::uint16_t port = parse_host_port(listener->address)->port_number();
  asio::io_context network;
  asio::ip::tcp::socket four(network);
  four.connect({asio::ip::address_v4::loopback(), port});
  const bool has_v6 = is_own_host("::1");
  std::error_code absent;
  asio::ip::tcp::socket six(network);
  six.connect({asio::ip::address_v6::loopback(), port}, absent);
  EXPECT_EQ(!absent, has_v6) << absent.message();
}

TEST(SteadyListener, TakesThePortThatItHadBefore) {
  const TemporaryDirectory directory;
  Store store = std::move(*Store::open(directory.path()));
  auto before = listen_steadily("127.0.0.1:0", store);
  ASSERT_TRUE(before) << before.error().message;
  const std::string address = before->listener.address;
  ASSERT_TRUE(store.save_port(parse_host_port(address)->port_number()));
  before->listener = Listener();  // the process ends
  const auto after = listen_steadily("127.0.0.1:0", store);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->listener.address, address);
  EXPECT_EQ(after->warning, "");
}

TEST(SteadyListener, TakesAnotherPortWhereItsOwnIsTakenAndSaysSo) {
  const TemporaryDirectory directory;
  Store store = std::move(*Store::open(directory.path()));
  const auto holder = listen_on("127.0.0.1:0");
  ASSERT_TRUE(store.save_port(parse_host_port(holder->address)->port_number()));
  const auto second = listen_steadily("127.0.0.1:0", store);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_NE(second->listener.address, holder->address);
  EXPECT_NE(second->warning.find("in use"), std::string::npos);
  EXPECT_NE(second->warning.find("another port"), std::string::npos);
}

TEST(SteadyListener, APortThatIsAskedForIsTheOneTaken) {
  const TemporaryDirectory directory;
  Store store = std::move(*Store::open(directory.path()));
  ASSERT_TRUE(store.save_port(1));
  const std::string wanted = listen_on("127.0.0.1:0")->address;
  const auto listener = listen_steadily(wanted, store);
  ASSERT_TRUE(listener) << listener.error().message;
  EXPECT_EQ(listener->listener.address, wanted);
}

TEST(SteadyListener, ADamagedPortFileCostsNoMoreThanThePort) {
  const TemporaryDirectory directory;
  Store store = std::move(*Store::open(directory.path()));
  std::ofstream(directory.path() / "port") << "no number";
  EXPECT_EQ(store.load_port(), std::nullopt);
  EXPECT_TRUE(listen_steadily("127.0.0.1:0", store));
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

}  // namespace
}  // namespace starling::runtime
