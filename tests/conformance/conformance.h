#pragma once
// What node/core/io.h promises of whoever performs, asked of every performer: the runtime's sockets
// and the simulator's network. Where the two could differ, the test says which is right.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "node/core/io.h"
#include "tests/support/performer.h"
#include "tests/support/simulated_performer.h"
#include "tests/support/socket_performer.h"

namespace starling {

using node::ConnectFailed;
using node::Input;
using node::MessageReceived;
using node::PeerConnected;
using node::PeerDisconnected;
using protocol::PeerRecord;

struct Kind {
  std::string name;
  std::function<std::unique_ptr<testing::Performer>(std::size_t hosts)> make;
};

class Conformance : public ::testing::TestWithParam<Kind> {
 protected:
  static constexpr std::size_t a = 0;
  static constexpr std::size_t b = 1;
  static constexpr std::size_t c = 2;

  void SetUp() override { make(3); }
  void TearDown() override {
    for (std::size_t host = 0; host < hosts_->hosts(); ++host) expect_laws(host);
  }
  void make(std::size_t hosts) { hosts_ = GetParam().make(hosts); }

  /// links: at most one per peer; messages: only between its beginning and its end.
  void expect_laws(std::size_t host) {
    std::map<NodeId, bool> linked;
    for (const Input& input : hosts_->heard(host)) {
      if (const auto* up = std::get_if<PeerConnected>(&input)) {
        EXPECT_FALSE(std::exchange(linked[up->peer.id], true)) << "two links to one peer";
      } else if (const auto* down = std::get_if<PeerDisconnected>(&input)) {
        EXPECT_TRUE(std::exchange(linked[down->peer], false)) << "an end of no link";
      } else if (const auto* message = std::get_if<MessageReceived>(&input)) {
        EXPECT_TRUE(linked[message->peer]) << "a message without a link";
      }
    }
  }

  template <class T>
  [[nodiscard]] std::vector<T> heard(std::size_t host) const {
    std::vector<T> found;
    for (const Input& input : hosts_->heard(host)) {
      if (const T* item = std::get_if<T>(&input)) found.push_back(*item);
    }
    return found;
  }
  template <class T>
  [[nodiscard]] std::size_t count(std::size_t host) const {
    return heard<T>(host).size();
  }
  [[nodiscard]] bool linked(std::size_t host, std::size_t peer) const {
    int links = 0;
    for (const auto& up : heard<PeerConnected>(host)) links += up.peer.id == id(peer) ? 1 : 0;
    for (const auto& down : heard<PeerDisconnected>(host)) links -= down.peer == id(peer) ? 1 : 0;
    return links == 1;
  }
  void run_until(const std::function<bool()>& done) {
    ASSERT_TRUE(hosts_->run_until(done)) << "nothing happens any more";
  }
  void link(std::size_t from, std::size_t to) {
    hosts_->connect(from, hosts_->record(to));
    run_until([&] { return linked(from, to) && linked(to, from); });
  }
  /// Whatever is under way between the two has arrived: a message went there and one back.
  void settle(std::size_t from, std::size_t to) {
    const std::size_t there = count<MessageReceived>(to);
    const std::size_t here = count<MessageReceived>(from);
    ping(from, to, 0);
    run_until([&] { return count<MessageReceived>(to) > there; });
    ping(to, from, 0);
    run_until([&] { return count<MessageReceived>(from) > here; });
  }
  void ping(std::size_t from, std::size_t to, std::uint64_t nonce) {
    hosts_->send(from, id(to), protocol::Ping{.nonce = nonce});
  }
  [[nodiscard]] NodeId id(std::size_t host) const { return hosts_->record(host).id; }
  [[nodiscard]] PeerRecord contact(std::size_t host) const {
    return {{}, hosts_->record(host).address};
  }

  std::unique_ptr<testing::Performer> hosts_;
};

inline protocol::Bulk bulk_of(std::uint64_t number, std::size_t bytes) {
  protocol::Bulk bulk;
  bulk.number = number;
  bulk.data = Bytes(bytes);
  return bulk;
}

inline auto performers() {
  return ::testing::Values(
      Kind{"Sockets", [](auto n) { return std::make_unique<testing::SocketPerformer>(n); }},
      Kind{"Simulator", [](auto n) { return std::make_unique<testing::SimulatedPerformer>(n); }});
}

inline std::string name_of(const ::testing::TestParamInfo<Kind>& kind) {
  return kind.param.name;
}

}  // namespace starling
