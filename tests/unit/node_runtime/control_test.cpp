#include "node/runtime/control.h"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <filesystem>
#include <string>
#include <thread>

#include "temporary_directory.h"

namespace starling::runtime {
namespace {

using testing::TemporaryDirectory;

/// A server that echoes, on a thread of its own.
class RunningServer {
 public:
  explicit RunningServer(const std::filesystem::path& directory)
      : server_(ControlServer::create(network_, directory,
                                      [](std::string_view request) {
                                        return "{\"asked\":\"" + std::string(request) + "\"}";
                                      })),
        thread_([this] { network_.run(); }) {}
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;
  ~RunningServer() {
    network_.stop();
    thread_.join();
  }

 private:
  asio::io_context network_;
  Result<ControlServer> server_;
  std::thread thread_;
};

TEST(Control, AnswersOneRequestAfterAnother) {
  const TemporaryDirectory directory;
  const RunningServer server(directory.path());
  EXPECT_EQ(ask_node(directory.path(), "status").value(), "{\"asked\":\"status\"}");
  EXPECT_EQ(ask_node(directory.path(), "merge").value(), "{\"asked\":\"merge\"}");
}

TEST(Control, WorksInADirectoryWhoseNameIsLongerThanASocketAddress) {
  const TemporaryDirectory directory;
  const auto deep = directory.path() / std::string(200, 'd');
  std::filesystem::create_directory(deep);
  const RunningServer server(deep);
  EXPECT_TRUE(ask_node(deep, "status").has_value());
}

TEST(Control, ReplacesTheSocketOfAProcessThatDied) {
  const TemporaryDirectory directory;
  asio::io_context network;
  auto answer = [](std::string_view) { return std::string("{}"); };
  auto dead = ControlServer::create(network, directory.path(), answer);
  EXPECT_TRUE(ControlServer::create(network, directory.path(), answer).has_value());
}

TEST(Control, RemovesItsSocketAtTheEnd) {
  const TemporaryDirectory directory;
  {
    const RunningServer server(directory.path());
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(Control, SaysThatNoNodeRunsThere) {
  const TemporaryDirectory directory;
  const auto answer = ask_node(directory.path(), "status");
  ASSERT_FALSE(answer.has_value());
  EXPECT_NE(answer.error().message.find(directory.path().string()), std::string::npos);
}

TEST(Control, DropsARequestThatIsTooLong) {
  const TemporaryDirectory directory;
  const RunningServer server(directory.path());
  EXPECT_FALSE(ask_node(directory.path(), std::string(10'000, 'x')).has_value());
  EXPECT_TRUE(ask_node(directory.path(), "status").has_value());
}

}  // namespace
}  // namespace starling::runtime
