// Circuits over relays: what node/core/io.h promises, asked of every performer.

#include <gtest/gtest.h>

#include <variant>

#include "protocol/overlay/relay.h"
#include "tests/conformance/conformance.h"
#include "tests/support/crypto_keys.h"

namespace starling {
namespace {

using protocol::CloseReason;
using protocol::DialProblem;

/// Host b relays between a and c, as a core does.
class Circuits : public Conformance {
 protected:
  void SetUp() override {
    Conformance::SetUp();
    hosts_->react(b, [this](const Input& input) { relay(input); });
    link(a, b);
    link(c, b);
  }
  void relay(const Input& input) {
    protocol::Effects effects;
    if (const auto* up = std::get_if<PeerConnected>(&input)) {
      relay_.link_up(up->peer.id, up->path);
    } else if (const auto* down = std::get_if<PeerDisconnected>(&input)) {
      relay_.link_down(down->peer, effects);
    } else if (const auto* received = std::get_if<MessageReceived>(&input)) {
      pass_on(*received, effects);
    }
    for (protocol::Effect& effect : effects.items) {
      auto* send = std::get_if<protocol::SendTo>(&effect);
      if (send != nullptr) hosts_->send(b, send->peer, std::move(send->message));
    }
  }
  void pass_on(const MessageReceived& received, protocol::Effects& effects) {
    std::visit(
        [&](const auto& message) {
          if constexpr (requires { relay_.receive(received.peer, message, Instant{}, effects); }) {
            EXPECT_TRUE(relay_.receive(received.peer, message, Instant{}, effects));
          } else if constexpr (requires { relay_.receive(received.peer, message, effects); }) {
            relay_.receive(received.peer, message, effects);
          }
        },
        received.message);
  }
  void link_over_b() {
    hosts_->connect_over(a, hosts_->record(c), id(b));
    run_until([&] { return linked(a, c) && linked(c, a); });
  }

  protocol::Relay relay_{1};
};

TEST_P(Circuits, LeadToALinkThatBothEndsCallRelayed) {
  link_over_b();
  const PeerConnected here = heard<PeerConnected>(a).back();
  const PeerConnected there = heard<PeerConnected>(c).back();
  EXPECT_EQ(here.peer, hosts_->record(c));
  EXPECT_TRUE(here.dialled_by_us);
  EXPECT_FALSE(there.dialled_by_us);
  EXPECT_EQ(here.path, protocol::PathKind::relayed);
  EXPECT_EQ(there.path, protocol::PathKind::relayed);
  EXPECT_EQ(here.seen_at + there.seen_at, "");
  EXPECT_GT(relay_.relayed_bytes(), 0U);
}

TEST_P(Circuits, CarryMessagesInOrderAndKeepThemFromTheRelaysCore) {
  link_over_b();
  for (std::uint64_t i = 0; i < 10; ++i) {
    ping(a, c, i);
    hosts_->send(a, id(c), bulk_of(i, 50));
  }
  run_until([&] { return count<MessageReceived>(c) == 20; });
  std::uint64_t pings = 0;
  std::uint64_t bulks = 0;
  for (const auto& received : heard<MessageReceived>(c)) {
    EXPECT_EQ(received.peer, id(a));
    if (const auto* control = std::get_if<protocol::Ping>(&received.message)) {
      EXPECT_EQ(control->nonce, pings++);
    } else {
      EXPECT_EQ(std::get<protocol::Bulk>(received.message).number, bulks++);
    }
  }
  for (const auto& received : heard<MessageReceived>(b)) {
    EXPECT_FALSE(std::holds_alternative<protocol::Ping>(received.message));
  }
}

TEST_P(Circuits, FailWhereTheRelayHasNoLink) {
  const PeerRecord stranger{crypto::node_key(99).id(), hosts_->record(c).address};
  hosts_->connect_over(a, stranger, id(b));
  run_until([&] { return count<ConnectFailed>(a) == 1; });
  EXPECT_EQ(heard<ConnectFailed>(a)[0].path, protocol::PathKind::relayed);
  EXPECT_EQ(heard<ConnectFailed>(a)[0].via, id(b));
  EXPECT_EQ(heard<ConnectFailed>(a)[0].peer, stranger);
}

TEST_P(Circuits, FailWithoutALinkToTheRelay) {
  hosts_->connect_over(a, hosts_->record(b), id(c));
  run_until([&] { return count<ConnectFailed>(a) == 1; });
}

TEST_P(Circuits, EndWithTheLinkToTheRelay) {
  link_over_b();
  hosts_->disconnect(a, id(b), CloseReason::normal);
  run_until([&] { return !linked(a, c) && !linked(c, a); });
  EXPECT_EQ(heard<PeerDisconnected>(c).back().reason, CloseReason::connection_lost);
}

TEST_P(Circuits, BringTheFarewellOfTheOtherEnd) {
  link_over_b();
  ping(a, c, 7);
  hosts_->disconnect(a, id(c), CloseReason::shutting_down);
  run_until([&] { return !linked(a, c) && !linked(c, a); });
  EXPECT_EQ(heard<PeerDisconnected>(a).back().reason, CloseReason::shutting_down);
  EXPECT_EQ(heard<PeerDisconnected>(c).back().reason, CloseReason::shutting_down);
  EXPECT_EQ(count<MessageReceived>(c), 1U);
}

TEST_P(Circuits, GiveWayToALinkOfAnotherPath) {
  link_over_b();
  hosts_->connect(a, hosts_->record(c));
  const auto is_direct = [&](std::size_t host) {
    return heard<PeerConnected>(host).back().path == protocol::PathKind::direct;
  };
  run_until([&] { return is_direct(a) && is_direct(c) && linked(a, c) && linked(c, a); });
  EXPECT_EQ(heard<PeerDisconnected>(a).back().reason, CloseReason::duplicate_link);
  EXPECT_EQ(heard<PeerDisconnected>(c).back().reason, CloseReason::duplicate_link);
  settle(a, c);
}

TEST_P(Circuits, NeverTakeThePlaceOfALinkOfAnotherPath) {
  link(a, c);
  hosts_->connect_over(a, hosts_->record(c), id(b));
  run_until([&] { return count<ConnectFailed>(a) == 1; });
  EXPECT_EQ(heard<ConnectFailed>(a)[0].problem, DialProblem::already_linked);
  settle(a, c);
  EXPECT_EQ(count<PeerDisconnected>(a), 0U);
}

INSTANTIATE_TEST_SUITE_P(Performers, Circuits, performers(), name_of);

}  // namespace
}  // namespace starling
