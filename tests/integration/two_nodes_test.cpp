// Two processes of the real program that are stopped, killed and disturbed in the middle of a run.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "node/runtime/listener.h"
#include "tests/support/program.h"

namespace starling {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using runtime::FileDescriptor;

/// TCP ports of the loopback interface that are free when asked for.
std::string free_address() {
  const auto listener = runtime::listen_on("127.0.0.1:0");
  STARLING_CHECK(listener.has_value());
  return listener->address;
}

FileDescriptor connect_to(const std::string& address) {
  const auto parsed = runtime::parse_host_port(address);
  STARLING_CHECK(parsed.has_value());
  sockaddr_in target{};
  target.sin_family = AF_INET;
  target.sin_port = htons(static_cast<std::uint16_t>(std::stoi(parsed->port)));
  target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  STARLING_CHECK(::connect(socket.get(), reinterpret_cast<sockaddr*>(&target), sizeof target) == 0);
  return socket;
}

void send_all(const FileDescriptor& socket, const std::string& bytes) {
  STARLING_CHECK(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                 static_cast<ssize_t>(bytes.size()));
}

class TwoNodes : public ::testing::Test {
 protected:
  void create(const std::string& run_lines) {
    address_ = free_address();
    std::ofstream(folder() / "run.toml")
        << run_lines << "nodes = 2\ncheckpoint_every = 20\ninterval_scale = 0.25\n";
    const auto outcome = testing::run_program(
        {"create", folder() / "run.toml", "--address", address_, "--dir", folder() / "a"});
    ASSERT_EQ(outcome.exit.code, 0) << outcome.error_text;
    ticket_ = outcome.lines.front();
  }

  /// Returns the process's index. name: of its directory; a and b have a half of the data each.
  std::size_t start(const std::string& name, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"join",    ticket_, "--dir",        folder() / name,
                                          "--shard", "",      "--json-events"};
    arguments[5] = name == "a" ? "0/2" : "1/2";
    arguments.insert(arguments.end(), more.begin(), more.end());
    exits_.emplace_back();
    return nodes_.add(testing::start_program(std::move(arguments)));
  }

  /// Reads events until one of `process` satisfies `wanted`; nothing if all processes end first.
  template <class Predicate>
  std::optional<Json> wait_for(std::size_t process, Predicate wanted) {
    std::optional<Json> found;
    while (!found && nodes_.running() > 0) {
      for (const auto& event : nodes_.wait(std::chrono::seconds(1))) {
        if (const auto* exited = std::get_if<runtime::ChildExited>(&event)) {
          exits_[exited->child] = exited->status;
        }
        const auto* line = std::get_if<runtime::ChildLine>(&event);
        if (line == nullptr || line->child != process || found) continue;
        Json json = Json::parse(line->text);
        if (wanted(json)) found = std::move(json);
      }
    }
    return found;
  }

  /// The step of the first event that says one, at least `least`.
  std::optional<Step> wait_for_step(std::size_t process, Step least) {
    const auto event = wait_for(process, [&](const Json& json) {
      return json["event"] == "steps_done" && json["step"] >= least;
    });
    return event ? std::optional((*event)["step"].get<Step>()) : std::nullopt;
  }

  void wait_for_all() {
    static_cast<void>(wait_for(0, [](const Json&) { return false; }));
  }

  [[nodiscard]] Json manifest(const std::string& name) const {
    std::ifstream file(folder() / name / "manifest.json");
    return Json::parse(file, nullptr, false);
  }

  /// Both have ended well, with the same model of both.
  void expect_one_model_of_both() const {
    for (const std::string name : {"a", "b"}) {
      ASSERT_TRUE(manifest(name).is_object()) << name;
      EXPECT_EQ(manifest(name)["members"].size(), 2U) << name;
    }
    EXPECT_EQ(manifest("a")["model"], manifest("b")["model"]);
  }

  /// Starts both, ends b by `signal` in the middle, starts it again, and waits for the end.
  void interrupt_b(int signal) {
    const std::size_t a = start("a");
    const std::size_t b = start("b");
    const auto reached = wait_for_step(b, 60);
    ASSERT_TRUE(reached);
    nodes_.child(b).send_signal(signal);
    static_cast<void>(nodes_.child(b).wait());
    const std::size_t again = start("b");
    const auto resumed = wait_for_step(again, 0);
    ASSERT_TRUE(resumed);
    EXPECT_GE(*resumed, 20U);  // its last checkpoint, not the beginning
    wait_for_all();
    EXPECT_EQ(exits_[a].code, 0);
    EXPECT_EQ(exits_[again].code, 0);
    expect_one_model_of_both();
  }

  /// While b trains its directory is copied, and the copy started too.
  void copy_b() {
    const std::size_t a = start("a");
    const std::size_t b = start("b");
    ASSERT_TRUE(wait_for_step(b, 60));
    fs::create_directory(folder() / "copy");
    for (const auto& entry : fs::directory_iterator(folder() / "b")) {
      // While a checkpoint takes the place of the one before, for a moment neither has the name.
      std::error_code replaced;
      if (entry.is_regular_file()) fs::copy(entry.path(), folder() / "copy", replaced);
    }
    const std::size_t copy = start("copy");
    const auto stopped =
        wait_for(copy, [](const Json& json) { return json["event"] == "stopped"; });
    ASSERT_TRUE(stopped);
    const auto reason = (*stopped)["error"].get<std::string>();
    EXPECT_NE(reason.find("another process runs with the key of this node"), std::string::npos)
        << reason;
    EXPECT_NE(reason.find("at 127.0.0.1:"), std::string::npos) << reason;
    const auto lost = wait_for(a, [](const Json& json) {
      return json["event"] == "peer_lost" || json["event"] == "merge_started";
    });
    ASSERT_TRUE(lost);
    EXPECT_EQ((*lost)["event"], "merge_started") << "the run was disturbed: " << *lost;
    wait_for_all();
    EXPECT_EQ(exits_[a].code, 0);
    EXPECT_EQ(exits_[b].code, 0);
    EXPECT_EQ(exits_[copy].code, 1);
    expect_one_model_of_both();
  }

  [[nodiscard]] const fs::path& folder() const { return directory_.path(); }

  runtime::testing::TemporaryDirectory directory_;
  std::string address_;
  std::string ticket_;
  runtime::ChildGroup nodes_;
  std::vector<runtime::ExitStatus> exits_;
};

constexpr const char* gossip_run = "task = \"clusters\"\nsteps = 8000\n";
constexpr const char* votes_run = "task = \"clusters-softmax\"\nrecipe = \"votes\"\nsteps = 600\n";

TEST_F(TwoNodes, AGossipNodeGoesOnWhereItWasStopped) {
  create(gossip_run);
  interrupt_b(SIGTERM);
}

TEST_F(TwoNodes, AGossipNodeGoesOnAfterItWasKilled) {
  create(gossip_run);
  interrupt_b(SIGKILL);
}

TEST_F(TwoNodes, AVotingNodeGoesOnWhereItWasStopped) {
  create(votes_run);
  interrupt_b(SIGTERM);
}

TEST_F(TwoNodes, AVotingNodeGoesOnAfterItWasKilled) {
  create(votes_run);
  interrupt_b(SIGKILL);
}

TEST_F(TwoNodes, ACopiedDirectoryStopsAndLeavesAGossipRunAlone) {
  create(gossip_run);
  copy_b();
}

TEST_F(TwoNodes, ACopiedDirectoryStopsAndLeavesAVotingRunAlone) {
  create(votes_run);
  copy_b();
}

TEST_F(TwoNodes, StrangersAreCountedAndTheOthersGoOn) {
  create(gossip_run);
  start("a");
  const std::size_t b = start("b");
  ASSERT_TRUE(wait_for_step(b, 1));
  const FileDescriptor stalls = connect_to(address_);
  const FileDescriptor sends_garbage = connect_to(address_);
  send_all(sends_garbage, std::string(4096, '\x5a'));
  {
    const FileDescriptor breaks_off = connect_to(address_);
    send_all(breaks_off, std::string("\0\x60half", 6));  // the length of a frame, and its beginning
  }
  ASSERT_TRUE(wait_for_step(b, 500));
  exits_.emplace_back();
  const std::size_t asks = nodes_.add(testing::start_program({"status", folder() / "a", "--json"}));
  const auto status = wait_for(asks, [](const Json&) { return true; });
  ASSERT_TRUE(status);
  std::uint64_t refused = 0;
  for (const auto& [reason, count] : (*status)["rejected"].items()) {
    refused += count.get<std::uint64_t>();
  }
  EXPECT_EQ(refused, 2U) << *status;
  wait_for_all();
  expect_one_model_of_both();
}

/// Four numbers and five, of which a sparse file shows those that are not 0.
TEST_F(TwoNodes, OfWhichOneHasAColumnMoreTheNewcomerEndsAndSaysWhy) {
  create("task = \"softmax\"\nsteps = 100\n");
  std::ofstream(folder() / "four.libsvm") << "0 1:1 4:2\n1 2:3 4:1\n0 1:2 3:1\n1 2:2 3:3\n";
  std::ofstream(folder() / "five.libsvm") << "0 1:1 5:2\n1 2:3 4:1\n0 1:2 3:1\n1 2:2 5:3\n";
  const std::size_t a = start("a", {"--data", folder() / "four.libsvm"});
  const std::size_t b = start("b", {"--data", folder() / "five.libsvm"});
  const auto stopped = wait_for(b, [](const Json& json) { return json["event"] == "stopped"; });
  ASSERT_TRUE(stopped);
  const auto reason = (*stopped)["error"].get<std::string>();
  EXPECT_NE(reason.find("4 features there and 5 here"), std::string::npos) << reason;
  EXPECT_NE(reason.find("10 parameters there and 12 here"), std::string::npos) << reason;
  nodes_.child(a).send_signal(SIGTERM);
  wait_for_all();
  EXPECT_EQ(exits_[b].code, 1);
  EXPECT_EQ(exits_[a].code, 4);  // it left before the merge
  EXPECT_FALSE(manifest("a").is_object());
  EXPECT_FALSE(manifest("b").is_object());
}

TEST_F(TwoNodes, AListenerOnAllInterfacesIsAnnouncedByAnAddressThatCanBeDialled) {
  create("task = \"clusters\"\nsteps = 100\n");
  const std::size_t a = start("a");
  start("b", {"--listen", "0.0.0.0:0"});
  const auto joined = wait_for(a, [](const Json& json) { return json["event"] == "peer_joined"; });
  ASSERT_TRUE(joined);
  EXPECT_TRUE((*joined)["address"].get<std::string>().starts_with("127.0.0.1:")) << *joined;
  wait_for_all();
  expect_one_model_of_both();
}

}  // namespace
}  // namespace starling
