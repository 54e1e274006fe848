#include "node/runtime/endpoint.h"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/limits.h"
#include "protocol/link/preamble.h"
#include "protocol/wire/message.h"
#include "tests/support/endpoint_node.h"

namespace starling::runtime {
namespace {
using asio::ip::tcp;
using namespace std::chrono_literals;
using protocol::CloseReason;
using protocol::DialProblem;
using protocol::RejectReason;

using Node = EndpointNode;

TEST_F(EndpointTest, BothEndsLearnWhoTheOtherIs) {
  Node a(network_, 1);
  Node b(network_, 2);
  connect(a, b);
  EXPECT_EQ(a.heard<node::PeerConnected>()[0]->peer, b.record());
  EXPECT_TRUE(a.heard<node::PeerConnected>()[0]->dialled_by_us);
  EXPECT_EQ(b.heard<node::PeerConnected>()[0]->peer.id, a.record().id);
  EXPECT_FALSE(b.heard<node::PeerConnected>()[0]->dialled_by_us);
}

TEST_F(EndpointTest, CarriesMessagesBothWays) {
  Node a(network_, 1);
  Node b(network_, 2);
  connect(a, b);
  a.endpoint().send(b.record().id, protocol::Ping{.nonce = 7});
  b.endpoint().send(a.record().id, protocol::Pong{.nonce = 8});
  run_until([&] {
    return a.count<node::MessageReceived>() == 1 && b.count<node::MessageReceived>() == 1;
  });
  EXPECT_EQ(std::get<protocol::Ping>(b.heard<node::MessageReceived>()[0]->message).nonce, 7U);
  EXPECT_EQ(std::get<protocol::Pong>(a.heard<node::MessageReceived>()[0]->message).nonce, 8U);
}

TEST_F(EndpointTest, CarriesTwentyMegabytesBesideControl) {
  Node a(network_, 1);
  Node b(network_, 2);
  connect(a, b);
  Bytes data(20'000'000);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i * 31 >> 3U);
  protocol::Bulk bulk;
  bulk.number = 5;
  bulk.data = data;
  a.endpoint().send(b.record().id, bulk);
  a.endpoint().send(b.record().id, protocol::Ping{.nonce = 1});
  run_until([&] { return b.count<node::MessageReceived>() == 2; });
  const auto received = b.heard<node::MessageReceived>();
  EXPECT_TRUE(std::holds_alternative<protocol::Ping>(received[0]->message));
  EXPECT_EQ(std::get<protocol::Bulk>(received[1]->message).data, data);
  EXPECT_GT(a.endpoint().traffic().bytes_sent, data.size());
  EXPECT_LT(a.endpoint().traffic().bytes_sent, data.size() * 101 / 100);
}

TEST_F(EndpointTest, CountsTheSameBytesAtBothEnds) {
  Node a(network_, 1);
  Node b(network_, 2);
  connect(a, b);
  a.endpoint().send(b.record().id, protocol::Ping{});
  run_until([&] { return b.count<node::MessageReceived>() == 1; });
  EXPECT_GT(b.endpoint().traffic().bytes_received, 0U);
  EXPECT_EQ(a.endpoint().traffic().bytes_sent, b.endpoint().traffic().bytes_received);
  EXPECT_EQ(b.endpoint().traffic().bytes_sent, a.endpoint().traffic().bytes_received);
}

TEST_F(EndpointTest, SaysFarewellWhenItHangsUp) {
  Node a(network_, 1);
  Node b(network_, 2);
  connect(a, b);
  a.endpoint().disconnect(b.record().id, CloseReason::shutting_down);
  run_until([&] { return b.count<node::PeerDisconnected>() == 1; });
  EXPECT_EQ(b.heard<node::PeerDisconnected>()[0]->reason, CloseReason::shutting_down);
}

TEST_F(EndpointTest, HearsOfTheEndThatItMadeItself) {
  Node a(network_, 1);
  Node b(network_, 2);
  connect(a, b);
  a.endpoint().disconnect(b.record().id, CloseReason::misbehaviour);
  ASSERT_EQ(a.count<node::PeerDisconnected>(), 1U);
  EXPECT_EQ(a.heard<node::PeerDisconnected>()[0]->peer, b.record().id);
  EXPECT_EQ(a.heard<node::PeerDisconnected>()[0]->reason, CloseReason::misbehaviour);
  a.endpoint().disconnect(b.record().id, CloseReason::normal);
  EXPECT_EQ(a.count<node::PeerDisconnected>(), 1U);
}

TEST_F(EndpointTest, LinksAgainAfterHangingUp) {
  Node a(network_, 1);
  Node b(network_, 2);
  connect(a, b);
  a.endpoint().disconnect(b.record().id, CloseReason::normal);
  a.endpoint().connect(b.record());
  run_until(
      [&] { return a.count<node::PeerConnected>() == 2 && b.count<node::PeerConnected>() == 2; });
  EXPECT_EQ(b.count<node::PeerDisconnected>(), 1U);
}

TEST_F(EndpointTest, TellsWhenTheLastSocketIsClosed) {
  Node a(network_, 1);
  Node b(network_, 2);
  connect(a, b);
  bool released = false;
  a.endpoint().close(CloseReason::shutting_down, [&] { released = true; });
  EXPECT_FALSE(released);
  run_until([&] { return released && b.count<node::PeerDisconnected>() == 1; });
}

TEST_F(EndpointTest, ClosesTheSocketOfAPeerThatTakesNothingAnyMore) {
  Node a(network_, 1);
  Node b(network_, 2);
  connect(a, b);
  b.endpoint().pause_reading(true);  // as one whose machine is gone: nothing is acknowledged either
  for (int i = 0; i < 3000; ++i) {   // 12 MB: more than the kernel buffers on both sides
    a.endpoint().send(b.record().id, protocol::Gossip{.body = Bytes(4000)});
  }
  bool released = false;
  a.endpoint().close(CloseReason::shutting_down, [&] { released = true; });
  asio::steady_timer late(network_, 8s);  // less than frame_time_max, when b would end it
  bool is_late = false;
  late.async_wait([&](std::error_code cancelled) { is_late = !cancelled; });
  run_until([&] { return released || is_late; });
  EXPECT_TRUE(released);
}

TEST_F(EndpointTest, HearsOfAPeerThatBrokeOff) {
  Node a(network_, 1);
  auto b = std::make_unique<Node>(network_, 2);
  connect(a, *b);
  b.reset();
  run_until([&] { return a.count<node::PeerDisconnected>() == 1; });
  EXPECT_EQ(a.heard<node::PeerDisconnected>()[0]->reason, CloseReason::connection_lost);
}

TEST_F(EndpointTest, FailsADialWhereNobodyListens) {
  Node a(network_, 1);
  const std::string free_address = listen_on("127.0.0.1:0")->address;
  const protocol::PeerRecord nobody{{}, free_address};
  a.endpoint().connect(nobody);
  run_until([&] { return a.count<node::ConnectFailed>() == 1; });
  EXPECT_EQ(a.heard<node::ConnectFailed>()[0]->peer, nobody);
  EXPECT_EQ(a.heard<node::ConnectFailed>()[0]->problem, DialProblem::refused);
}

TEST_F(EndpointTest, FailsADialToAnAddressThatIsNone) {
  Node a(network_, 1);
  a.endpoint().connect({{}, "no port"});
  run_until([&] { return a.count<node::ConnectFailed>() == 1; });
  EXPECT_EQ(a.heard<node::ConnectFailed>()[0]->problem, DialProblem::bad_address);
}

TEST_F(EndpointTest, FailsADialThatReachesAnotherNodeThanTheOneMeant) {
  Node a(network_, 1);
  Node b(network_, 2);
  Node c(network_, 3);
  a.endpoint().connect({c.record().id, b.record().address});
  run_until([&] { return a.count<node::ConnectFailed>() == 1; });
  EXPECT_EQ(a.rejected(RejectReason::wrong_identity), 1U);
  EXPECT_EQ(a.heard<node::ConnectFailed>()[0]->problem, DialProblem::wrong_identity);
  EXPECT_EQ(a.count<node::PeerConnected>(), 0U);
}

TEST_F(EndpointTest, GoesOnToTheNextAddressWhereAnotherNodeAnswersAtTheFirst) {
  Node a(network_, 1);
  Node b(network_, 2);
  Node c(network_, 3);
  const protocol::PeerRecord both{c.record().id, b.record().address + "," + c.record().address};
  a.endpoint().connect(both);
  run_until([&] { return a.count<node::PeerConnected>() == 1; });
  EXPECT_EQ(a.heard<node::PeerConnected>()[0]->peer, both);
  EXPECT_EQ(a.count<node::ConnectFailed>(), 0U);
}

TEST_F(EndpointTest, DoesNotDialItself) {
  Node a(network_, 1);
  a.endpoint().connect({{}, a.record().address});
  run_until([&] { return a.count<node::ConnectFailed>() == 1; });
  EXPECT_EQ(a.heard<node::ConnectFailed>()[0]->problem, DialProblem::self);
  EXPECT_EQ(a.endpoint().traffic().bytes_sent, 0U);
}

TEST_F(EndpointTest, NoticesThatItReachedItselfOverAnotherAddress) {
  Node a(network_, 1);
  Node same_key(network_, 1);  // as a router would lead it back, or a port that is forwarded
  a.endpoint().connect({{}, same_key.record().address});
  run_until([&] { return a.count<node::ConnectFailed>() == 1; });
  EXPECT_EQ(a.heard<node::ConnectFailed>()[0]->problem, DialProblem::self);
  EXPECT_EQ(a.count<node::PeerConnected>(), 0U);
}

TEST_F(EndpointTest, AnswersADialOfAPeerThatIsLinkedAlready) {
  Node a(network_, 1);
  Node b(network_, 2);
  connect(a, b);
  a.endpoint().connect(b.record());
  ASSERT_EQ(a.count<node::ConnectFailed>(), 1U);
  EXPECT_EQ(a.heard<node::ConnectFailed>()[0]->problem, DialProblem::already_linked);
}

TEST_F(EndpointTest, DialsFromThePortThatItListensOn) {
  Node a(network_, 1);
  tcp::acceptor other(network_, {asio::ip::address_v4::loopback(), 0});
  const std::string target = "127.0.0.1:" + std::to_string(other.local_endpoint().port());
  const auto own_port = parse_host_port(a.record().address)->port_number();
  std::vector<std::uint16_t> ports;
  for (std::uint8_t id = 8; id < 10; ++id) {  // two dials: the second finds the port's path taken
    protocol::PeerRecord peer{{}, target};
    peer.id.bytes.fill(id);
    a.endpoint().connect(peer);
    std::optional<tcp::socket> accepted;
    other.async_accept([&](std::error_code, tcp::socket socket) { accepted = std::move(socket); });
    run_until([&] { return accepted.has_value(); });
    ports.push_back(accepted->remote_endpoint().port());
    kept_.push_back(std::move(*accepted));
  }
  EXPECT_EQ(ports[0], own_port);
  EXPECT_NE(ports[1], own_port);
}

TEST_F(EndpointTest, DropsAndCountsAPeerWithAnotherPreSharedKey) {
  Node a(network_, 1, secret_of(8));
  Node b(network_, 2, secret_of(9));
  a.endpoint().connect(b.record());
  run_until([&] { return a.count<node::ConnectFailed>() == 1; });
  EXPECT_EQ(b.rejected(RejectReason::wrong_tag), 1U);
  EXPECT_EQ(b.count<node::PeerConnected>(), 0U);
}

TEST_F(EndpointTest, DropsAndCountsAPeerOfAnotherRun) {
  Node a(network_, 1, {}, run_named(1));
  Node b(network_, 2, {}, run_named(2));
  a.endpoint().connect(b.record());
  run_until([&] { return a.count<node::ConnectFailed>() == 1; });
  EXPECT_EQ(a.count<node::PeerConnected>() + b.count<node::PeerConnected>(), 0U);
  EXPECT_EQ(b.rejected(RejectReason::other_run), 1U);
  EXPECT_EQ(a.heard<node::ConnectFailed>().back()->problem, protocol::DialProblem::other_run);
}

TEST_F(EndpointTest, DropsGarbageAndServesTheOthers) {
  Node a(network_, 1);
  Node b(network_, 2);
  tcp::socket stranger = raw_connection_to(b);
  asio::write(stranger, asio::buffer(std::string(500, 'x')));
  run_until([&] { return b.count<node::InputRejected>() == 1; });
  connect(a, b);
}

TEST_F(EndpointTest, DropsAStreamThatEndsWithinAFrame) {
  Node b(network_, 2);
  tcp::socket stranger = raw_connection_to(b);
  const auto preamble = protocol::encode_preamble({.version = protocol::limits::protocol_version});
  asio::write(stranger, asio::buffer(preamble));
  asio::write(stranger, asio::buffer(std::string("\x00\x40half", 6)));
  stranger.close();
  run_until([&] { return b.rejected(RejectReason::truncated) == 1; });
}

TEST_F(EndpointTest, DropsAStrangerWhoSaysNothing) {
  Node b(network_, 2);
  tcp::socket stranger = raw_connection_to(b);
  run_until([&] { return b.rejected(RejectReason::handshake_slow) == 1; });
}

TEST_F(EndpointTest, StrangersGiveUpTheirSocketsWhereTheyAreFew) {
  Node few(
      network_,
      {.run = run_named(1), .key = crypto::SigningKey::from_seed(secret_of(2)), .sockets_max = 3});
  std::vector<tcp::socket> strangers;
  for (int i = 0; i < 10; ++i) strangers.push_back(raw_connection_to(few));
  Node a(network_, 1);
  connect(a, few);
  Node b(network_, 3);
  few.endpoint().connect(b.record());
  run_until([&] { return few.count<node::PeerConnected>() == 2; });
}

TEST_F(EndpointTest, EndsNoLinkWhoseAddressThisMachineStillHas) {
  Node a(network_, 1);
  Node b(network_, 2);
  connect(a, b);
  a.endpoint().drop_links_of_lost_addresses();
  EXPECT_EQ(a.count<node::PeerDisconnected>(), 0U);
}

TEST_F(EndpointTest, BoundsTheHandshakesUnderWay) {
  Node b(network_, 2);
  std::vector<tcp::socket> strangers;
  for (std::size_t i = 0; i < protocol::limits::pending_handshakes_max + 10; ++i) {
    strangers.push_back(raw_connection_to(b));
  }
  run_until([&] { return b.rejected(RejectReason::flood) > 0; });
}

TEST_F(EndpointTest, KeepsOneLinkWhenBothDialAtOnce) {
  Node a(network_, 1);
  Node b(network_, 2);
  a.endpoint().connect(b.record());
  b.endpoint().connect(a.record());
  const auto open_links = [](const Node& node) {
    return node.count<node::PeerConnected>() - node.count<node::PeerDisconnected>();
  };
  // The link that stays is the last to be reported at both ends; a message each way proves it one.
  const bool a_keeps_its_own = a.record().id < b.record().id;
  run_until([&] {
    const auto at_a = a.heard<node::PeerConnected>();
    const auto at_b = b.heard<node::PeerConnected>();
    return !at_a.empty() && !at_b.empty() && at_a.back()->dialled_by_us == a_keeps_its_own &&
           at_b.back()->dialled_by_us != a_keeps_its_own;
  });
  EXPECT_EQ(open_links(a), 1U);
  EXPECT_EQ(open_links(b), 1U);
  a.endpoint().send(b.record().id, protocol::Ping{});
  b.endpoint().send(a.record().id, protocol::Ping{});
  run_until([&] {
    return a.count<node::MessageReceived>() == 1 && b.count<node::MessageReceived>() == 1;
  });
}

TEST_F(EndpointTest, TakesTheNewLinkOfAPeerThatDialsAgain) {
  Node a(network_, 1);
  auto b = std::make_unique<Node>(network_, 2);
  connect(*b, a);
  Node again(network_, 2);  // the same process, as far as anyone can see
  again.endpoint().connect(a.record());
  run_until([&] { return a.count<node::PeerConnected>() == 2; });
  EXPECT_EQ(a.heard<node::PeerDisconnected>()[0]->reason, CloseReason::duplicate_link);
  again.endpoint().send(a.record().id, protocol::Ping{});
  run_until([&] { return a.count<node::MessageReceived>() == 1; });
}

TEST(DuplicateLinks, BothEndsKeepTheSameOne) {
  NodeId low;
  NodeId high;
  high.bytes[0] = 1;
  for (const bool older_dialled_by_low : {true, false}) {
    for (const bool newer_dialled_by_low : {true, false}) {
      EXPECT_EQ(newer_link_stays(older_dialled_by_low, newer_dialled_by_low, low, high),
                newer_link_stays(!older_dialled_by_low, !newer_dialled_by_low, high, low));
    }
  }
  EXPECT_TRUE(newer_link_stays(false, true, low, high));
  EXPECT_FALSE(newer_link_stays(true, false, low, high));
}

/// Forwards one connection to `target` and keeps every byte that passes: what a wire-tap sees.
class WireTap {
 public:
  WireTap(asio::io_context& network, const tcp::endpoint& target)
      : acceptor_(network, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
        near_(network),
        far_(network) {
    acceptor_.async_accept(near_, [this, target](std::error_code) {
      far_.connect(target);
      forward(near_, far_, near_buffer_);
      forward(far_, near_, far_buffer_);
    });
  }
  [[nodiscard]] std::string address() const {
    return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }
  [[nodiscard]] const std::string& seen() const { return seen_; }

 private:
  using Buffer = std::array<char, 16384>;
  void forward(tcp::socket& from, tcp::socket& to, Buffer& buffer) {
    from.async_read_some(asio::buffer(buffer), [&, this](std::error_code end, std::size_t bytes) {
      if (end) return;
      seen_.append(buffer.data(), bytes);
      asio::write(to, asio::buffer(buffer, bytes));
      forward(from, to, buffer);
    });
  }

  tcp::acceptor acceptor_;
  tcp::socket near_;
  tcp::socket far_;
  Buffer near_buffer_;
  Buffer far_buffer_;
  std::string seen_;
};

TEST_F(EndpointTest, DialsAgainFromAnotherPortWhereBothSpokeFirst) {
  Node a(network_, 1);
  tcp::acceptor crossing(network_, {asio::ip::address_v4::loopback(), 0});
  const std::string where = "127.0.0.1:" + std::to_string(crossing.local_endpoint().port());
  std::vector<std::uint16_t> ports;
  std::array<char, 1024> bytes;
  std::function<void()> accept = [&] {
    crossing.async_accept([&](std::error_code, tcp::socket socket) {
      ports.push_back(socket.remote_endpoint().port());
      kept_.push_back(std::move(socket));
      // What the other dialler would say: its own first message, which looks the same.
      kept_.back().async_read_some(asio::buffer(bytes), [&](std::error_code, std::size_t count) {
        asio::write(kept_.back(), asio::buffer(bytes, count));
        accept();
      });
    });
  };
  accept();
  a.endpoint().connect({{}, where});
  run_until([&] { return a.count<node::ConnectFailed>() == 1; });
  ASSERT_EQ(ports.size(), 2U);
  EXPECT_EQ(ports[0], parse_host_port(a.record().address)->port_number());
  EXPECT_NE(ports[1], ports[0]);
}

TEST_F(EndpointTest, AWireTapSeesNoPlaintext) {
  Node a(network_, 1);
  Node b(network_, 2);
  const HostPort target = *parse_host_port(b.record().address);
  WireTap tap(network_, {asio::ip::make_address(target.host),
                         static_cast<unsigned short>(std::stoi(target.port))});
  a.endpoint().connect({b.record().id, tap.address()});
  run_until([&] { return b.count<node::PeerConnected>() == 1; });
  const std::string_view secret = "parameters of a model that nobody else may read";
  Bytes text;
  while (text.size() < 100'000) text.insert(text.end(), secret.begin(), secret.end());
  protocol::Bulk bulk;
  bulk.data = std::move(text);
  protocol::Gossip gossip;
  gossip.body.assign(secret.begin(), secret.end());
  a.endpoint().send(b.record().id, bulk);
  b.endpoint().send(a.record().id, gossip);
  run_until([&] {
    return a.count<node::MessageReceived>() == 1 && b.count<node::MessageReceived>() == 1;
  });
  EXPECT_GT(tap.seen().size(), bulk.data.size());
  // Eight bytes in a row do not appear by chance in 100 kB of ciphertext (odds below 1e-12).
  for (std::size_t i = 0; i + 8 <= secret.size(); ++i) {
    EXPECT_EQ(tap.seen().find(secret.substr(i, 8)), std::string::npos);
  }
  for (const Node* node : {&a, &b}) {
    const auto& id = node->record().id.bytes;
    EXPECT_EQ(tap.seen().find(std::string(id.begin(), id.end())), std::string::npos);
  }
}

}  // namespace
}  // namespace starling::runtime
