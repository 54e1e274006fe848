// What node/core/io.h promises of whoever performs, asked of every performer: the runtime's sockets
// and the simulator's network. Where the two could differ, the test says which is right.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/overlay/relay.h"
#include "tests/support/crypto_keys.h"
#include "tests/support/performer.h"
#include "tests/support/simulated_performer.h"
#include "tests/support/socket_performer.h"

namespace starling {
namespace {

using node::ConnectFailed;
using node::Input;
using node::MessageReceived;
using node::PeerConnected;
using node::PeerDisconnected;
using protocol::CloseReason;
using protocol::DialProblem;
using protocol::PeerRecord;
using testing::Performer;

struct Kind {
  std::string name;
  std::function<std::unique_ptr<Performer>(std::size_t hosts)> make;
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

  std::unique_ptr<Performer> hosts_;
};

// --- Connect ---

TEST_P(Conformance, AConnectLeadsToALinkThatBothEndsHearOf) {
  link(a, b);
  ASSERT_EQ(count<PeerConnected>(a), 1U);
  EXPECT_EQ(heard<PeerConnected>(a)[0].peer, hosts_->record(b));
  EXPECT_TRUE(heard<PeerConnected>(a)[0].dialled_by_us);
  ASSERT_EQ(count<PeerConnected>(b), 1U);
  EXPECT_EQ(heard<PeerConnected>(b)[0].peer, (PeerRecord{id(a), ""}));
  EXPECT_FALSE(heard<PeerConnected>(b)[0].dialled_by_us);
}

TEST_P(Conformance, AConnectWithoutAnIdAcceptsWhoeverAnswers) {
  hosts_->connect(a, contact(b));
  run_until([&] { return linked(a, b) && linked(b, a); });
  EXPECT_EQ(heard<PeerConnected>(a)[0].peer, hosts_->record(b));
}

TEST_P(Conformance, AConnectToAProcessThatIsGoneFails) {
  const PeerRecord gone = hosts_->record(b);
  hosts_->end(b);
  hosts_->connect(a, gone);
  run_until([&] { return count<ConnectFailed>(a) == 1; });
  EXPECT_EQ(heard<ConnectFailed>(a)[0].peer, gone);
  EXPECT_EQ(heard<ConnectFailed>(a)[0].problem, DialProblem::refused);
}

TEST_P(Conformance, AConnectThatReachesAnotherNodeFails) {
  const PeerRecord wrong{id(c), hosts_->record(b).address};
  hosts_->connect(a, wrong);
  run_until([&] { return count<ConnectFailed>(a) == 1; });
  EXPECT_EQ(heard<ConnectFailed>(a)[0].peer, wrong);
  EXPECT_EQ(heard<ConnectFailed>(a)[0].problem, DialProblem::wrong_identity);
}

TEST_P(Conformance, AConnectToOneselfFails) {
  hosts_->connect(a, contact(a));
  run_until([&] { return count<ConnectFailed>(a) == 1; });
  EXPECT_EQ(heard<ConnectFailed>(a)[0].problem, DialProblem::self);
}

TEST_P(Conformance, AConnectToAnAddressThatIsNoneFails) {
  hosts_->connect(a, {{}, "a..b:1"});
  run_until([&] { return count<ConnectFailed>(a) == 1; });
  EXPECT_EQ(heard<ConnectFailed>(a)[0].problem, DialProblem::name_unknown);
}

TEST_P(Conformance, AConnectToALinkedPeerFailsAndLeavesTheLink) {
  link(a, b);
  hosts_->connect(a, hosts_->record(b));
  run_until([&] { return count<ConnectFailed>(a) == 1; });
  EXPECT_EQ(heard<ConnectFailed>(a)[0].peer, hosts_->record(b));
  EXPECT_EQ(heard<ConnectFailed>(a)[0].problem, DialProblem::already_linked);
  settle(a, b);
  EXPECT_EQ(count<PeerDisconnected>(a), 0U);
}

TEST_P(Conformance, ASecondConnectSharesTheAnswerOfTheFirst) {
  hosts_->connect(a, hosts_->record(b));
  hosts_->connect(a, hosts_->record(b));
  run_until([&] { return linked(a, b) && linked(b, a); });
  settle(a, b);
  EXPECT_EQ(count<PeerConnected>(a) + count<ConnectFailed>(a), 1U);
  hosts_->end(b);
  run_until([&] { return !linked(a, b); });
  const PeerRecord gone = hosts_->record(b);
  hosts_->connect(a, gone);
  hosts_->connect(a, gone);
  run_until([&] { return count<ConnectFailed>(a) == 1; });
  link(a, c);
  settle(a, c);
  EXPECT_EQ(count<ConnectFailed>(a), 1U);
}

TEST_P(Conformance, ConnectsOfBothEndsAtOnceLeaveOneLinkAndAnAnswerToEach) {
  hosts_->connect(a, hosts_->record(b));
  hosts_->connect(b, hosts_->record(a));
  const auto answers = [&](std::size_t host) {
    std::size_t given = count<ConnectFailed>(host);
    for (const auto& up : heard<PeerConnected>(host)) given += up.dialled_by_us ? 1 : 0;
    return given;
  };
  const auto dialled_its_link = [&](std::size_t host) {
    return heard<PeerConnected>(host).back().dialled_by_us;
  };
  // For a moment each end may hold a link of its own: they agree once one dialled and one accepted.
  run_until([&] {
    return answers(a) == 1 && answers(b) == 1 && linked(a, b) && linked(b, a) &&
           dialled_its_link(a) != dialled_its_link(b);
  });
  // The link that stays is the one of the lower id, or the other was never made.
  settle(a, b);
  EXPECT_TRUE(linked(a, b) && linked(b, a));
}

TEST_P(Conformance, ThePerformerHoldsMoreLinksThanTheCoreAndTurnsAwayWhoComesAfter) {
  make(node::performer_links_max + 2);
  const std::size_t last = node::performer_links_max + 1;
  for (std::size_t host = 1; host < last; ++host) link(host, 0);
  hosts_->connect(last, hosts_->record(0));
  // The dialler hears it as an answer or, where its side of the handshake ends first, as an end.
  run_until([&] { return count<ConnectFailed>(last) + count<PeerDisconnected>(last) == 1; });
  for (const auto& failed : heard<ConnectFailed>(last)) {
    EXPECT_EQ(failed.problem, DialProblem::not_accepted);
  }
  for (const auto& ended : heard<PeerDisconnected>(last)) {
    EXPECT_EQ(ended.reason, CloseReason::too_many_links);
  }
  EXPECT_FALSE(linked(0, last));
  EXPECT_EQ(count<PeerDisconnected>(0), 0U);
}

// --- Disconnect ---

TEST_P(Conformance, ADisconnectIsAnsweredAndThePeerHearsTheReason) {
  link(a, b);
  hosts_->disconnect(a, id(b), CloseReason::misbehaviour);
  run_until([&] { return count<PeerDisconnected>(a) == 1 && count<PeerDisconnected>(b) == 1; });
  EXPECT_EQ(heard<PeerDisconnected>(a)[0].peer, id(b));
  EXPECT_EQ(heard<PeerDisconnected>(a)[0].reason, CloseReason::misbehaviour);
  EXPECT_EQ(heard<PeerDisconnected>(b)[0].reason, CloseReason::misbehaviour);
}

TEST_P(Conformance, ADisconnectWithoutALinkIsNotAnswered) {
  hosts_->disconnect(a, id(b), CloseReason::normal);
  link(a, b);
  hosts_->disconnect(a, id(b), CloseReason::normal);
  hosts_->disconnect(a, id(b), CloseReason::misbehaviour);
  run_until([&] { return count<PeerDisconnected>(b) == 1; });
  link(a, c);
  settle(a, c);
  ASSERT_EQ(count<PeerDisconnected>(a), 1U);
  EXPECT_EQ(heard<PeerDisconnected>(a)[0].reason, CloseReason::normal);
}

TEST_P(Conformance, APeerThatWasHungUpOnCanBeDialledAtOnce) {
  link(a, b);
  hosts_->react(a, [&](const Input& input) {
    if (std::holds_alternative<PeerDisconnected>(input)) hosts_->connect(a, hosts_->record(b));
  });
  hosts_->disconnect(a, id(b), CloseReason::timed_out);
  run_until([&] { return count<PeerConnected>(a) == 2 && linked(a, b) && linked(b, a); });
  settle(a, b);
  EXPECT_EQ(count<PeerDisconnected>(a), 1U);
  EXPECT_EQ(count<PeerDisconnected>(b), 1U);
}

TEST_P(Conformance, BothEndsMayHangUpAtOnce) {
  link(a, b);
  hosts_->disconnect(a, id(b), CloseReason::normal);
  hosts_->disconnect(b, id(a), CloseReason::timed_out);
  run_until([&] { return count<PeerDisconnected>(a) == 1 && count<PeerDisconnected>(b) == 1; });
  link(b, a);
  settle(a, b);
  EXPECT_EQ(count<PeerDisconnected>(a), 1U);
  EXPECT_EQ(count<PeerDisconnected>(b), 1U);
}

TEST_P(Conformance, ADisconnectWithinTheNewsOfTheLinkIsAnswered) {
  hosts_->react(b, [&](const Input& input) {
    if (std::holds_alternative<PeerConnected>(input)) {
      hosts_->disconnect(b, id(a), CloseReason::misbehaviour);
    }
  });
  hosts_->connect(a, hosts_->record(b));
  run_until([&] { return count<PeerDisconnected>(a) == 1 && count<PeerDisconnected>(b) == 1; });
  EXPECT_EQ(heard<PeerDisconnected>(a)[0].reason, CloseReason::misbehaviour);
}

TEST_P(Conformance, NothingOfAPeerIsToldAfterItWasHungUpOn) {
  link(a, b);
  hosts_->react(a, [&](const Input& input) {
    if (std::holds_alternative<MessageReceived>(input)) {
      hosts_->disconnect(a, id(b), CloseReason::normal);
    }
  });
  for (std::uint64_t nonce = 0; nonce < 50; ++nonce) ping(b, a, nonce);
  run_until([&] { return count<PeerDisconnected>(b) == 1; });
  EXPECT_EQ(count<MessageReceived>(a), 1U);
}

// --- Other ends ---

TEST_P(Conformance, ThePeersOfAProcessThatEndsHearOfIt) {
  link(a, b);
  const NodeId gone = id(b);
  hosts_->end(b);
  run_until([&] { return count<PeerDisconnected>(a) == 1; });
  EXPECT_EQ(heard<PeerDisconnected>(a)[0].peer, gone);
  EXPECT_EQ(heard<PeerDisconnected>(a)[0].reason, CloseReason::connection_lost);
}

TEST_P(Conformance, AProcessThatCameBackIsLinkedAgain) {
  link(a, b);
  hosts_->end(a);
  hosts_->start_again(a);
  hosts_->connect(a, hosts_->record(b));
  run_until([&] { return linked(a, b) && linked(b, a) && count<PeerConnected>(b) == 2; });
  settle(a, b);
}

// --- Messages ---

protocol::Bulk bulk_of(std::uint64_t number, std::size_t bytes) {
  protocol::Bulk bulk;
  bulk.number = number;
  bulk.data = Bytes(bytes);
  return bulk;
}

TEST_P(Conformance, MessagesOfAKindKeepTheirOrderAndArriveOnce) {
  link(a, b);
  constexpr std::uint64_t each = 100;
  for (std::uint64_t i = 0; i < each; ++i) {
    ping(a, b, i);
    hosts_->send(a, id(b), protocol::Gossip{.body = Bytes(10 + i)});
    hosts_->send(a, id(b), bulk_of(i, 1000));
  }
  run_until([&] { return count<MessageReceived>(b) == 3 * each; });
  std::uint64_t pings = 0;
  std::size_t gossips = 0;
  std::uint64_t bulks = 0;
  for (const auto& received : heard<MessageReceived>(b)) {
    if (const auto* control = std::get_if<protocol::Ping>(&received.message)) {
      EXPECT_EQ(control->nonce, pings++);
    } else if (const auto* gossip = std::get_if<protocol::Gossip>(&received.message)) {
      EXPECT_EQ(gossip->body.size(), 10 + gossips++);
    } else {
      EXPECT_EQ(std::get<protocol::Bulk>(received.message).number, bulks++);
    }
  }
}

TEST_P(Conformance, BulkDoesNotOvertakeControlThatWasSentBefore) {
  link(a, b);
  for (std::uint64_t i = 0; i < 20; ++i) {
    ping(a, b, i);
    hosts_->send(a, id(b), bulk_of(i, 100));
  }
  run_until([&] { return count<MessageReceived>(b) == 40; });
  std::uint64_t pings = 0;
  for (const auto& received : heard<MessageReceived>(b)) {
    const auto* bulk = std::get_if<protocol::Bulk>(&received.message);
    if (bulk == nullptr)
      ++pings;
    else
      EXPECT_GT(pings, bulk->number);
  }
}

TEST_P(Conformance, WhatWasSentBeforeADisconnectArrivesBeforeTheEnd) {
  link(a, b);
  for (std::uint64_t i = 0; i < 20; ++i) {
    ping(a, b, i);
    hosts_->send(a, id(b), protocol::Gossip{.body = Bytes(100)});
  }
  hosts_->disconnect(a, id(b), CloseReason::shutting_down);
  run_until([&] { return count<PeerDisconnected>(b) == 1; });
  EXPECT_EQ(count<MessageReceived>(b), 40U);
}

TEST_P(Conformance, AMessageWithoutALinkIsDropped) {
  ping(a, b, 1);
  link(a, b);
  hosts_->disconnect(a, id(b), CloseReason::normal);
  ping(a, b, 2);
  run_until([&] { return count<PeerDisconnected>(b) == 1; });
  link(a, b);
  settle(a, b);
  EXPECT_EQ(count<MessageReceived>(b), 1U);  // settle's own
}

// --- Circuits over relays ---

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
      relay_.link_up(up->peer.id, up->path, Instant{});
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

// --- Probes ---

TEST_P(Conformance, AProbeFindsOutWhetherThePeerIsThereAndLeavesTheLinkAlone) {
  link(a, b);
  hosts_->probe(a, hosts_->record(b), 5);
  run_until([&] { return count<node::AddressProbed>(a) == 1; });
  EXPECT_TRUE(heard<node::AddressProbed>(a)[0].is_reached);
  EXPECT_EQ(heard<node::AddressProbed>(a)[0].nonce, 5U);
  hosts_->probe(a, {id(b), hosts_->record(c).address}, 6);  // another node is there
  run_until([&] { return count<node::AddressProbed>(a) == 2; });
  EXPECT_FALSE(heard<node::AddressProbed>(a)[1].is_reached);
  settle(a, b);
  EXPECT_EQ(count<PeerConnected>(a) + count<PeerConnected>(b), 2U);
  EXPECT_EQ(count<PeerDisconnected>(a) + count<PeerDisconnected>(b), 0U);
}

TEST_P(Conformance, ALinkSaysWhereThePeersEndIs) {
  link(a, b);
  EXPECT_EQ(heard<PeerConnected>(a)[0].seen_at, hosts_->record(b).address);
  // It is dialled from the port that it listens on.
  EXPECT_EQ(heard<PeerConnected>(b)[0].seen_at, hosts_->record(a).address);
}

INSTANTIATE_TEST_SUITE_P(
    Performers, Circuits,
    ::testing::Values(
        Kind{"Sockets", [](auto n) { return std::make_unique<testing::SocketPerformer>(n); }},
        Kind{"Simulator", [](auto n) { return std::make_unique<testing::SimulatedPerformer>(n); }}),
    [](const auto& kind) { return kind.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Performers, Conformance,
    ::testing::Values(
        Kind{"Sockets", [](auto n) { return std::make_unique<testing::SocketPerformer>(n); }},
        Kind{"Simulator", [](auto n) { return std::make_unique<testing::SimulatedPerformer>(n); }}),
    [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace starling
