// Links and messages: what node/core/io.h promises, asked of every performer.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/conformance/conformance.h"
#include "tests/support/crypto_keys.h"

namespace starling {
namespace {

using protocol::CloseReason;
using protocol::DialProblem;

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

TEST_P(Conformance, AFarewellIsHeardBeforeTheEndOfTheProcessThatSaidIt) {
  const NodeId leaver = id(b);
  for (std::size_t time = 1; time <= 10; ++time) {
    link(a, b);
    hosts_->disconnect(b, id(a), CloseReason::shutting_down);
    run_until([&] { return count<PeerDisconnected>(b) == 1; });
    hosts_->end(b);
    run_until([&] { return count<PeerDisconnected>(a) == time; });
    EXPECT_EQ(heard<PeerDisconnected>(a).back().peer, leaver);
    EXPECT_EQ(heard<PeerDisconnected>(a).back().reason, CloseReason::shutting_down);
    hosts_->start_again(b);
  }
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

// --- Bulk that does not fit ---

TEST_P(Conformance, TheLargestBulkMessagePassesAndALargerOneIsNotSent) {
  link(a, b);
  const std::size_t largest = testing::Performer::bulk_bytes_max;
  hosts_->send(a, id(b), bulk_of(1, largest + 1));
  hosts_->send(a, id(b), bulk_of(2, largest));
  run_until([&] { return count<MessageReceived>(b) == 1; });
  EXPECT_EQ(std::get<protocol::Bulk>(heard<MessageReceived>(b)[0].message).number, 2U);
  const auto refused = heard<node::BulkRefused>(a);
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_TRUE(refused[0].is_own);
  EXPECT_EQ(refused[0].peer, id(b));
  EXPECT_EQ(refused[0].refusal,
            (protocol::BulkRefusal{protocol::BulkKind::pair_payload, largest + 1, largest}));
  EXPECT_TRUE(linked(a, b));
}

TEST_P(Conformance, AStateThatNobodyAskedForEndsTheLinkAndBothNumbersAreTold) {
  link(a, b);
  protocol::Bulk state = bulk_of(1, 100);
  state.kind = protocol::BulkKind::state;
  hosts_->send(a, id(b), state);
  run_until([&] { return count<PeerDisconnected>(a) == 1 && count<PeerDisconnected>(b) == 1; });
  EXPECT_EQ(count<MessageReceived>(b), 0U);
  const auto refused = heard<node::BulkRefused>(b);
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_FALSE(refused[0].is_own);
  EXPECT_EQ(refused[0].peer, id(a));
  EXPECT_EQ(refused[0].refusal, (protocol::BulkRefusal{protocol::BulkKind::state, 100, 0}));
  EXPECT_EQ(heard<node::InputRejected>(b).at(0).reason, protocol::RejectReason::too_large);
  EXPECT_EQ(heard<PeerDisconnected>(a)[0].reason, CloseReason::misbehaviour);
  EXPECT_EQ(heard<PeerDisconnected>(b)[0].reason, CloseReason::misbehaviour);
}

TEST_P(Conformance, AStateThatWasAskedForComes) {
  link(a, b);
  hosts_->send(b, id(a), protocol::StateRequest{1});
  run_until([&] { return count<MessageReceived>(a) == 1; });
  protocol::Bulk state = bulk_of(1, 100);
  state.kind = protocol::BulkKind::state;
  hosts_->send(a, id(b), state);
  run_until([&] { return count<MessageReceived>(b) == 1; });
  EXPECT_EQ(std::get<protocol::Bulk>(heard<MessageReceived>(b)[0].message), state);
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

INSTANTIATE_TEST_SUITE_P(Performers, Conformance, performers(), name_of);

}  // namespace
}  // namespace starling
