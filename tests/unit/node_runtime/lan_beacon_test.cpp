#include "node/runtime/lan_beacon.h"

#include <gtest/gtest.h>

#include <array>
#include <asio/buffer.hpp>
#include <asio/ip/multicast.hpp>
#include <asio/ip/udp.hpp>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "node/runtime/platform.h"
#include "protocol/limits.h"
#include "protocol/link/beacon.h"

namespace starling::runtime {
namespace {

using namespace std::chrono_literals;
using asio::ip::udp;
using protocol::Beacon;
using protocol::PeerRecord;

template <class Id>
Id id_of(std::uint8_t value) {
  Id id;
  id.bytes.fill(value);
  return id;
}

std::vector<LanAddress> loopback() {
  return {{asio::ip::address_v4::loopback(), 1}};
}

/// A port that other tests do not use at the same time.
std::uint16_t free_port(asio::io_context& network) {
  const udp::socket socket(network, {udp::v4(), 0});
  return socket.local_endpoint().port();
}

/// Processes on one machine, as far as their sockets are concerned: they share the group's port.
class LanBeaconTest : public ::testing::Test {
 protected:
  struct Node {
    std::vector<PeerRecord> found;
    std::vector<std::string> warnings;
    std::unique_ptr<LanBeacon> beacon;
  };

  Node& node(std::uint8_t id, std::uint16_t port, std::uint8_t run = 1) {
    Node& made = *nodes_.emplace_back(std::make_unique<Node>());
    made.beacon = std::make_unique<LanBeacon>(
        network_,
        LanBeaconOptions{.run = id_of<RunId>(run),
                         .self = id_of<NodeId>(id),
                         .port = port,
                         .group_port = group_port_,
                         .addresses = loopback},
        LanBeacon::Actions{
            .found = [&made](PeerRecord peer) { made.found.push_back(std::move(peer)); },
            .warn = [&made](std::string text) { made.warnings.push_back(std::move(text)); }});
    return made;
  }
  template <class Condition>
  bool run_until(Condition is_met) {
    const Instant deadline = monotonic_now() + 20s;
    while (!is_met() && monotonic_now() < deadline) network_.run_one_for(1s);
    return is_met();
  }

  asio::io_context network_;
  std::uint16_t group_port_ = free_port(network_);
  std::vector<std::unique_ptr<Node>> nodes_;
};

TEST_F(LanBeaconTest, TwoProcessesOfOneMachineFindEachOther) {
  Node& first = node(1, 1111);
  Node& second = node(2, 2222);
  first.beacon->ask();
  second.beacon->ask();
  ASSERT_TRUE(run_until([&] { return !first.found.empty() && !second.found.empty(); }));
  EXPECT_EQ(first.found.front(), (PeerRecord{id_of<NodeId>(2), "127.0.0.1:2222"}));
  EXPECT_EQ(second.found.front(), (PeerRecord{id_of<NodeId>(1), "127.0.0.1:1111"}));
}

TEST_F(LanBeaconTest, WhoeverAsksIsAnsweredAtOnce) {
  Node& member = node(1, 1111);
  member.beacon->ask();
  network_.poll();  // its own first query has gone by
  Node& newcomer = node(2, 0);
  newcomer.beacon->ask();
  const Instant asked = monotonic_now();
  ASSERT_TRUE(run_until([&] { return !newcomer.found.empty(); }));
  // The next query of either would come 250 ms after its first.
  EXPECT_LT(monotonic_now() - asked, 1s);
  EXPECT_EQ(newcomer.found.front().address, "127.0.0.1:1111");
}

TEST_F(LanBeaconTest, WhoeverTakesNoLinksIsNotFound) {
  Node& member = node(1, 1111);
  Node& newcomer = node(2, 0);
  member.beacon->ask();
  newcomer.beacon->ask();
  ASSERT_TRUE(run_until([&] { return newcomer.found.size() >= 2; }));
  EXPECT_TRUE(member.found.empty());
}

TEST_F(LanBeaconTest, NodesOfAnotherRunNoticeNothing) {
  Node& first = node(1, 1111);
  Node& second = node(2, 2222);
  Node& stranger = node(3, 3333, 2);
  for (const auto& each : nodes_) each->beacon->ask();
  ASSERT_TRUE(run_until([&] { return first.found.size() >= 2 && second.found.size() >= 2; }));
  EXPECT_TRUE(stranger.found.empty());
  for (const Node* each : {&first, &second}) {
    for (const PeerRecord& peer : each->found) EXPECT_NE(peer.id, id_of<NodeId>(3));
  }
}

TEST_F(LanBeaconTest, DoesNothingAndDoesNotFailWithoutANetwork) {
  LanBeacon beacon(network_,
                   {.run = id_of<RunId>(1),
                    .self = id_of<NodeId>(1),
                    .port = 1111,
                    .group_port = group_port_,
                    .addresses = [] { return std::vector<LanAddress>(); }},
                   {.found = [](const PeerRecord&) { FAIL() << "found somebody"; },
                    .warn = [](const std::string& text) { FAIL() << text; }});
  beacon.ask();
  network_.poll();
}

TEST_F(LanBeaconTest, TellsNothingMoreOnceItIsClosed) {
  Node& first = node(1, 1111);
  Node& second = node(2, 2222);
  second.beacon->ask();
  network_.poll();
  first.beacon->ask();
  network_.poll();
  second.beacon->close();
  const std::size_t found = second.found.size();
  first.beacon->ask();
  network_.poll();
  EXPECT_EQ(second.found.size(), found);
}

/// A host of the local network that sends datagrams of its own making to a member.
class LanBeaconAbuse : public LanBeaconTest {
 protected:
  LanBeaconAbuse() : host_(network_, udp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    host_.set_option(asio::ip::multicast::outbound_interface(asio::ip::address_v4::loopback()));
    host_.non_blocking(true);
    member_ = &node(1, 1111);
    member_->beacon->ask();
    network_.poll();
  }

  static Beacon query(std::uint8_t number) {
    Beacon query{.sent_at = unix_now(), .port = 9, .sender = id_of<NodeId>(9)};
    query.nonce.fill(number);
    return query;
  }
  void send(const Beacon& beacon) {
    const auto datagram = protocol::seal_beacon(key_, beacon);
    host_.send_to(asio::buffer(datagram), group());
    network_.poll();
  }
  udp::endpoint group() const { return {asio::ip::make_address_v4("239.255.83.84"), group_port_}; }
  /// The nonces that have been answered, one for each answer.
  std::multiset<std::uint8_t> answers() {
    std::multiset<std::uint8_t> nonces;
    std::array<std::uint8_t, 256> buffer{};
    std::error_code none_left;
    while (true) {
      udp::endpoint source;
      const std::size_t length = host_.receive_from(asio::buffer(buffer), source, 0, none_left);
      if (none_left) return nonces;
      const auto beacon = protocol::open_beacon(key_, ByteSpan(buffer).first(length));
      if (beacon) nonces.insert(beacon->answered.front());
    }
  }

  crypto::Secret<32> key_ = protocol::beacon_key(id_of<RunId>(1), std::nullopt);
  udp::socket host_;
  Node* member_ = nullptr;
};

TEST_F(LanBeaconAbuse, ARepeatedQueryIsAnsweredOnce) {
  send(query(1));
  send(query(1));
  send(query(2));
  EXPECT_EQ(answers(), (std::multiset<std::uint8_t>{1, 2}));
  EXPECT_EQ(member_->found.size(), 2U);
}

TEST_F(LanBeaconAbuse, AQueryRecordedTwoHoursAgoIsNotAnsweredButTold) {
  Beacon old = query(1);
  old.sent_at.value -= 7200;
  send(old);
  EXPECT_TRUE(answers().empty());
  EXPECT_TRUE(member_->found.empty());
  ASSERT_EQ(member_->warnings.size(), 1U);
  EXPECT_NE(member_->warnings[0].find("clock"), std::string::npos) << member_->warnings[0];
}

TEST_F(LanBeaconAbuse, AnAnswerThatNobodyAskedForIsNotBelieved) {
  Beacon answer = query(1);
  answer.kind = protocol::BeaconKind::answer;
  answer.answered.fill(7);
  send(answer);
  send(query(2));
  EXPECT_EQ(member_->found.size(), 1U);
}

TEST_F(LanBeaconAbuse, GarbageOfAnyLengthIsPassedOver) {
  for (std::size_t length = 0; length < 300; ++length) {
    const std::vector<std::uint8_t> garbage(length, 0xA5);
    host_.send_to(asio::buffer(garbage), group());
    network_.poll();
  }
  send(query(1));
  EXPECT_EQ(answers(), (std::multiset<std::uint8_t>{1}));
}

TEST_F(LanBeaconAbuse, AMemberThatAsksWithoutEndIsAnsweredAndToldOfAtALimitedRate) {
  for (int i = 1; i <= 200; ++i) send(query(static_cast<std::uint8_t>(i)));
  // What is let through at once, and a few more in the time that this took.
  EXPECT_LT(answers().size(), 2U * protocol::limits::beacons_answered_per_second_max);
  EXPECT_LT(member_->found.size(), 2U * protocol::limits::beacon_contacts_per_second_max);
}

}  // namespace
}  // namespace starling::runtime
