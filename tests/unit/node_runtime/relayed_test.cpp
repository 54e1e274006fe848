// Links over a relay: endpoints on loopback, and a relay between two of them.

#include <algorithm>
#include <string_view>

#include "node/runtime/platform.h"
#include "protocol/overlay/relay.h"
#include "tests/support/endpoint_node.h"

namespace starling::runtime {
namespace {

using protocol::PathKind;
using Node = EndpointNode;

class RelayedTest : public EndpointTest {
 protected:
  RelayedTest() {
    connect(a_, relay_node_);
    c_.endpoint().connect(relay_node_.record());
    run_until([&] { return relay_node_.count<node::PeerConnected>() == 2; });
    for (const auto* up : relay_node_.heard<node::PeerConnected>()) {
      relay_.link_up(up->peer.id, up->path);
    }
  }
  /// As the relay's core would, with all that has come since the last call.
  void relay() {
    protocol::Effects effects;
    const auto heard = relay_node_.heard<node::MessageReceived>();
    for (; handled_ < heard.size(); ++handled_) {
      const node::MessageReceived& input = *heard[handled_];
      std::visit(
          [&](const auto& message) {
            if constexpr (requires { relay_.receive(input.peer, message, Instant{}, effects); }) {
              EXPECT_TRUE(relay_.receive(input.peer, message, monotonic_now(), effects));
            } else if constexpr (requires { relay_.receive(input.peer, message, effects); }) {
              relay_.receive(input.peer, message, effects);
            }
          },
          input.message);
    }
    if (relay_.next_deadline() <= monotonic_now()) relay_.tick(monotonic_now(), effects);
    for (protocol::Effect& effect : effects.items) {
      if (auto* send = std::get_if<protocol::SendTo>(&effect)) {
        relay_node_.endpoint().send(send->peer, std::move(send->message));
      }
    }
  }
  template <class Done>
  void relay_until(Done done) {
    const Instant end = monotonic_now() + std::chrono::seconds(20);
    while (!done() && monotonic_now() < end) {
      relay();
      network_.run_one_for(std::chrono::milliseconds(10));
    }
    ASSERT_TRUE(done());
  }
  void link_over_relay() {
    a_.endpoint().connect(c_.record(), PathKind::relayed, relay_node_.record().id);
    relay_until([&] { return is_linked(a_, c_) && is_linked(c_, a_); });
  }
  static bool is_linked(const Node& node, const Node& peer) {
    const auto heard = node.heard<node::PeerConnected>();
    return std::ranges::any_of(heard, [&](const auto* up) {
      return up->peer.id == peer.record().id && up->path == PathKind::relayed;
    });
  }

  Node a_{network_, 1};
  Node relay_node_{network_, 2};
  Node c_{network_, 3};
  protocol::Relay relay_{1};
  std::size_t handled_ = 0;
};

TEST_F(RelayedTest, TheRelaySeesNoPlaintext) {
  link_over_relay();
  const std::string_view secret = "parameters of a model that nobody else may read";
  Bytes text;
  while (text.size() < 20'000) text.insert(text.end(), secret.begin(), secret.end());
  protocol::Bulk bulk;
  bulk.data = std::move(text);
  a_.endpoint().send(c_.record().id, protocol::Message(bulk));
  relay_until([&] { return c_.count<node::MessageReceived>() == 1; });
  EXPECT_EQ(std::get<protocol::Bulk>(c_.heard<node::MessageReceived>()[0]->message), bulk);
  Bytes seen;
  for (const auto* input : relay_node_.heard<node::MessageReceived>()) {
    const auto* data = std::get_if<protocol::CircuitData>(&input->message);
    if (data != nullptr) seen.insert(seen.end(), data->data.begin(), data->data.end());
  }
  EXPECT_GT(seen.size(), bulk.data.size());
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(seen.data()), seen.size())
                .find(secret.substr(0, 16)),
            std::string_view::npos);
}

TEST_F(RelayedTest, APingOvertakesBulkThatWaitsForTheRelay) {
  link_over_relay();
  protocol::Bulk bulk;
  bulk.data = Bytes(60'000);
  a_.endpoint().send(c_.record().id, protocol::Message(bulk));
  a_.endpoint().send(c_.record().id, protocol::Ping{1});
  relay_until([&] { return c_.count<node::MessageReceived>() == 2; });
  EXPECT_TRUE(
      std::holds_alternative<protocol::Ping>(c_.heard<node::MessageReceived>()[0]->message));
}

TEST_F(RelayedTest, WhoeverLeavesSaysSoOverTheRelay) {
  link_over_relay();
  a_.endpoint().close(protocol::CloseReason::shutting_down, [] {});
  const auto said_farewell = [&] {
    const auto ends = c_.heard<node::PeerDisconnected>();
    return std::ranges::any_of(ends, [&](const auto* end) {
      return end->peer == a_.record().id && end->reason == protocol::CloseReason::shutting_down;
    });
  };
  relay_until(said_farewell);
}

TEST_F(RelayedTest, TheLinkEndsWithTheRelay) {
  link_over_relay();
  relay_node_.endpoint().close(protocol::CloseReason::shutting_down, [] {});
  run_until([&] {
    return a_.count<node::PeerDisconnected>() == 2 && c_.count<node::PeerDisconnected>() == 2;
  });
}

/// On loopback nothing is dropped: whoever dials first is accepted, as where a router is open.
TEST_F(EndpointTest, APunchOfBothEndsIsOneLink) {
  Node a(network_, 1);
  Node b(network_, 2);
  a.endpoint().connect(b.record(), PathKind::punched);
  b.endpoint().connect(a.record(), PathKind::punched);
  const auto links = [](const Node& node) {
    return node.count<node::PeerConnected>() - node.count<node::PeerDisconnected>();
  };
  run_until([&] { return links(a) == 1 && links(b) == 1; });
  a.endpoint().send(b.record().id, protocol::Ping{});
  b.endpoint().send(a.record().id, protocol::Ping{});
  run_until([&] {
    return a.count<node::MessageReceived>() == 1 && b.count<node::MessageReceived>() == 1;
  });
}

}  // namespace
}  // namespace starling::runtime
