// Two processes with one key at an endpoint: the second waits until the core has judged.

#include <gtest/gtest.h>

#include "protocol/wire/message.h"
#include "tests/support/endpoint_node.h"

namespace starling::runtime {
namespace {

using protocol::CloseReason;
using Node = EndpointNode;
using SecondProcesses = EndpointTest;

TEST_F(SecondProcesses, KeepsASecondProcessOfAPeerWaitingAndTheFirstOneLinked) {
  Node a(network_, 1);
  const auto first = Node::process(network_, 2, 10);
  connect(*first, a);
  const auto second = Node::process(network_, 2, 20);
  second->endpoint().connect(a.record());
  run_until([&] { return a.count<node::SecondProcess>() == 1; });
  EXPECT_EQ(a.heard<node::SecondProcess>()[0]->peer, first->record().id);
  EXPECT_EQ(a.heard<node::SecondProcess>()[0]->incarnation, 20U);
  first->endpoint().send(a.record().id, protocol::Ping{});
  run_until([&] { return a.count<node::MessageReceived>() == 1; });
  EXPECT_EQ(a.count<node::PeerConnected>(), 1U);
  EXPECT_EQ(a.count<node::PeerDisconnected>(), 0U);
}

TEST_F(SecondProcesses, LinksAnAdmittedSecondProcessAndLosesNothingThatItSaid) {
  Node a(network_, 1);
  const auto first = Node::process(network_, 2, 10);
  connect(*first, a);
  const auto second = Node::process(network_, 2, 20);
  second->endpoint().connect(a.record());
  run_until([&] { return second->count<node::PeerConnected>() == 1; });
  second->endpoint().send(a.record().id, protocol::Ping{.nonce = 5});
  run_until([&] { return a.count<node::SecondProcess>() == 1; });
  a.endpoint().admit(first->record().id, 99);  // nobody of that name waits
  EXPECT_EQ(a.count<node::PeerConnected>(), 1U);
  a.endpoint().admit(first->record().id, 20);
  EXPECT_EQ(a.count<node::PeerConnected>(), 2U);
  EXPECT_EQ(a.heard<node::PeerDisconnected>()[0]->reason, CloseReason::duplicate_link);
  run_until([&] { return a.count<node::MessageReceived>() == 1; });
  EXPECT_EQ(std::get<protocol::Ping>(a.heard<node::MessageReceived>()[0]->message).nonce, 5U);
}

TEST_F(SecondProcesses, TellsARefusedSecondProcessWhy) {
  Node a(network_, 1);
  const auto first = Node::process(network_, 2, 10);
  connect(*first, a);
  const auto second = Node::process(network_, 2, 20);
  second->endpoint().connect(a.record());
  run_until([&] { return a.count<node::SecondProcess>() == 1; });
  a.endpoint().refuse(first->record().id, 20, {7, 7});
  run_until([&] { return second->count<node::PeerDisconnected>() == 1; });
  ASSERT_EQ(second->count<node::MessageReceived>(), 1U);
  const auto& message = second->heard<node::MessageReceived>()[0]->message;
  EXPECT_EQ(std::get<protocol::IdentityProof>(message).presence, (Bytes{7, 7}));
  EXPECT_EQ(second->heard<node::PeerDisconnected>()[0]->reason, CloseReason::duplicate_identity);
  EXPECT_EQ(a.count<node::PeerDisconnected>(), 0U);
}

TEST_F(SecondProcesses, TellsBothSecondProcessesOfOneNodeThatMeet) {
  const auto first = Node::process(network_, 2, 10);
  const auto second = Node::process(network_, 2, 20);
  first->endpoint().connect({{}, second->record().address});
  run_until([&] { return first->count<node::SecondProcess>() == 1; });
  EXPECT_EQ(first->heard<node::SecondProcess>()[0]->incarnation, 20U);
  EXPECT_EQ(first->heard<node::SecondProcess>()[0]->peer, first->record().id);
  first->endpoint().refuse(first->record().id, 20, {});  // at once, as the earlier one does
  run_until([&] { return second->count<node::SecondProcess>() == 1; });
  EXPECT_EQ(second->heard<node::SecondProcess>()[0]->incarnation, 10U);
}

}  // namespace
}  // namespace starling::runtime
