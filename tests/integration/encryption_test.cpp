// What the sockets carry: two processes of the real program, joined through a relay that keeps
// every byte. tools/check_encryption.sh shows that these tests fail where nothing is sealed.

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "crypto/ticket.h"
#include "model/safetensors.h"
#include "node/core/merge_blocks.h"
#include "node/runtime/child_process.h"
#include "node/runtime/file.h"
#include "node/runtime/listener.h"
#include "node/runtime/store.h"
#include "starling/check.h"
#include "tests/unit/node_runtime/temporary_directory.h"

namespace starling {
namespace {

using runtime::FileDescriptor;

/// Accepts connections, passes them on to one address, and keeps what passes in either direction.
class RecordingRelay {
 public:
  RecordingRelay(runtime::Listener listener, int target)
      : listener_(std::move(listener)), target_(target) {}

  [[nodiscard]] const Bytes& recorded() const { return recorded_; }

  /// Moves what is there; waits 20 ms at most.
  void pump() {
    std::vector<pollfd> watched = {{listener_.socket.get(), POLLIN, 0}};
    for (const FileDescriptor& end : ends_) watched.push_back({end.get(), POLLIN, 0});
    ::poll(watched.data(), watched.size(), 20);
    for (std::size_t i = 1; i < watched.size(); ++i) {
      if (watched[i].revents != 0) move_bytes(i - 1);
    }
    if (watched[0].revents != 0) accept_one();
  }

 private:
  void accept_one() {
    FileDescriptor from(::accept4(listener_.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    FileDescriptor to(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(target_, reinterpret_cast<sockaddr*>(&address), &size);
    ::connect(to.get(), reinterpret_cast<const sockaddr*>(&address), size);
    ends_.push_back(std::move(from));
    ends_.push_back(std::move(to));
  }

  /// Ends come in pairs; an end that is closed closes the other.
  void move_bytes(std::size_t from) {
    std::array<std::uint8_t, 64 * 1024> buffer;
    const std::size_t to = from ^ 1U;
    const ssize_t count = ::recv(ends_[from].get(), buffer.data(), buffer.size(), 0);
    if (count <= 0) {
      ends_[from] = FileDescriptor();
      if (ends_[to].is_open()) ::shutdown(ends_[to].get(), SHUT_RDWR);
      return;
    }
    recorded_.insert(recorded_.end(), buffer.begin(), buffer.begin() + count);
    if (ends_[to].is_open()) {
      ::send(ends_[to].get(), buffer.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL);
    }
  }

  runtime::Listener listener_;
  int target_;
  std::vector<FileDescriptor> ends_;
  Bytes recorded_;
};

struct Capture {
  Bytes bytes;
  std::string ticket;
  std::string description;        ///< Of the run; b asked a for it.
  std::string address;            ///< Part of every announcement of presence.
  std::vector<float> parameters;  ///< The merged model.
};

runtime::ChildProcess start(std::vector<std::string> arguments, std::vector<int> descriptors) {
  auto child = runtime::ChildProcess::spawn({.program = STARLING_PROGRAM,
                                             .arguments = std::move(arguments),
                                             .inherited_descriptors = std::move(descriptors)});
  STARLING_CHECK(child.has_value());
  return std::move(*child);
}

/// The output of `starling create`: the ticket.
std::string create_run(const std::filesystem::path& folder, const std::string& address) {
  std::ofstream(folder / "run.toml") << "task = \"clusters\"\nrecipe = \"gossip\"\nsteps = 100\n"
                                        "nodes = 2\ninterval_scale = 0.25\n";
  runtime::ChildGroup group;
  group.add(
      start({"create", folder / "run.toml", "--address", address, "--dir", folder / "a"}, {}));
  std::string ticket;
  while (group.running() > 0) {
    for (const auto& event : group.wait(std::chrono::seconds(1))) {
      if (const auto* line = std::get_if<runtime::ChildLine>(&event)) ticket = line->text;
    }
  }
  return ticket;
}

Capture capture_a_run() {
  const runtime::testing::TemporaryDirectory directory;
  const std::filesystem::path& folder = directory.path();
  auto front = runtime::listen_on("127.0.0.1:0");
  auto back = runtime::listen_on("127.0.0.1:0");
  STARLING_CHECK(front && back);
  Capture capture;
  capture.address = front->address;
  capture.ticket = create_run(folder, front->address);
  const int socket = back->socket.get();
  RecordingRelay relay(std::move(*front), socket);
  runtime::ChildGroup nodes;
  nodes.add(start({"join", "--dir", folder / "a", "--shard", "0/2", "--quiet", "--listen-fd",
                   std::to_string(socket)},
                  {socket}));
  nodes.add(
      start({"join", capture.ticket, "--dir", folder / "b", "--shard", "1/2", "--quiet"}, {}));
  while (nodes.running() > 0) {
    relay.pump();
    static_cast<void>(nodes.wait(Duration{0}));
  }
  capture.bytes = relay.recorded();
  capture.description = runtime::read_description(folder / "b").value().value();
  const auto file = runtime::read_file(folder / "a" / "model.safetensors");
  STARLING_CHECK(file.has_value());
  const auto model = model::decode_safetensors({"model", *file});
  STARLING_CHECK(model.has_value());
  capture.parameters = model->parameters;
  return capture;
}

bool holds(const Bytes& haystack, ByteSpan needle) {
  return !std::ranges::search(haystack, needle).empty();
}

bool holds(const Bytes& haystack, std::string_view text) {
  return holds(haystack, ByteSpan(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

/// True if some 16 neighbouring values of `values` (4 bytes each, not all alike) were seen.
bool holds_values(const Bytes& haystack, ByteSpan values) {
  constexpr std::size_t window = 64;
  for (std::size_t at = 0; at + window <= values.size(); at += window) {
    const ByteSpan part = values.subspan(at, window);
    const bool is_blank = std::ranges::count(part, part[0]) == static_cast<long>(window);
    if (!is_blank && holds(haystack, part)) return true;
  }
  return false;
}

class Encryption : public testing::Test {
 protected:
  static void SetUpTestSuite() { capture_ = std::make_unique<Capture>(capture_a_run()); }
  static void TearDownTestSuite() { capture_.reset(); }

  static std::unique_ptr<Capture> capture_;
};

std::unique_ptr<Capture> Encryption::capture_;

TEST_F(Encryption, TheCaptureHoldsAWholeRun) {
  EXPECT_GT(capture_->bytes.size(), capture_->parameters.size() * 4);
}

TEST_F(Encryption, NoMessageIsReadable) {
  EXPECT_FALSE(holds(capture_->bytes, capture_->address));
}

TEST_F(Encryption, NoParametersAreReadable) {
  EXPECT_FALSE(holds_values(capture_->bytes, node::blocks_of(capture_->parameters)));
  const auto* floats = reinterpret_cast<const std::uint8_t*>(capture_->parameters.data());
  EXPECT_FALSE(holds_values(capture_->bytes, {floats, capture_->parameters.size() * 4}));
}

TEST_F(Encryption, NeitherTicketNorItsKeyIsReadable) {
  const auto ticket = crypto::parse_ticket(capture_->ticket);
  ASSERT_TRUE(ticket);
  const auto key = crypto::pre_shared_key(*ticket);
  ASSERT_TRUE(ticket->secret && key);
  EXPECT_FALSE(holds(capture_->bytes, capture_->ticket));
  EXPECT_FALSE(holds(capture_->bytes, ticket->secret->bytes()));
  EXPECT_FALSE(holds(capture_->bytes, key->bytes()));
  EXPECT_FALSE(holds(capture_->bytes, ticket->run.bytes));
  EXPECT_FALSE(holds(capture_->bytes, capture_->description));
}

}  // namespace
}  // namespace starling
