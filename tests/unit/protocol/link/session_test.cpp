#include "protocol/link/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "protocol/wire/wire.h"
#include "tests/support/session_checks.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::bulk_of;
using testing::dialer_options;
using testing::established_pair;
using testing::expect_closed;
using testing::expect_rejected;
using testing::HostilePeer;
using testing::listener_options;
using testing::Peer;
using testing::SessionPair;

NodeId id_of(const SessionOptions& options) {
  return options.handshake.self.certificate.node;
}

/// The dialer was refused, and knows why.
void expect_told(const Peer& dialer, DialProblem problem) {
  ASSERT_NE(dialer.end(), nullptr);
  ASSERT_TRUE(dialer.end()->problem);
  EXPECT_EQ(name_of(*dialer.end()->problem), name_of(problem));
  EXPECT_TRUE(dialer.session.closed());
}

// --- Handshake ---

TEST(Session, BothSidesLearnWhoTheOtherIs) {
  auto pair = established_pair();
  ASSERT_EQ(pair.dialer.events.size(), 1U);
  ASSERT_EQ(pair.listener.events.size(), 1U);
  EXPECT_EQ(std::get<SessionEstablished>(pair.dialer.events[0]).peer, id_of(listener_options()));
  EXPECT_EQ(std::get<SessionEstablished>(pair.listener.events[0]).peer, id_of(dialer_options()));
}

/// Two dialers in one connection, as TCP's simultaneous open makes them; the bytes come in pieces.
TEST(Session, TwoDialersOfOneConnectionSettleWhoAnswersByTheirKeys) {
  for (const std::size_t piece : {1U, 7U, 4096U}) {
    auto one = dialer_options();
    auto other = testing::session_options(crypto::HandshakeRole::initiator, 2);
    one.handshake.expected_peer = id_of(other);
    other.handshake.expected_peer = id_of(one);
    one.crossing_secret = testing::secret_of(77);
    other.crossing_secret = testing::secret_of(78);
    Peer a(one);
    Peer b(other);
    Bytes to_a;
    Bytes to_b;
    const auto give = [piece](Peer& peer, Bytes& bytes) {
      const std::size_t count = std::min(piece, bytes.size());
      peer.receive(ByteSpan(bytes).first(count));
      bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    };
    do {
      for (const std::uint8_t byte : a.pull()) to_b.push_back(byte);
      for (const std::uint8_t byte : b.pull()) to_a.push_back(byte);
      give(b, to_b);
      give(a, to_a);
    } while (!to_a.empty() || !to_b.empty() || a.session.has_output() || b.session.has_output());
    ASSERT_EQ(a.events.size(), 1U) << piece;
    ASSERT_EQ(b.events.size(), 1U) << piece;
    EXPECT_EQ(std::get<SessionEstablished>(a.events[0]).peer, id_of(other));
    EXPECT_EQ(std::get<SessionEstablished>(b.events[0]).peer, id_of(one));
    ASSERT_TRUE(a.session.send(Ping{5}));
    b.receive(a.pull());
    EXPECT_EQ(b.take_messages().size(), 1U);
  }
}

TEST(Session, ADialerThatMayCrossAlsoReachesAListener) {
  auto dialing = dialer_options();
  dialing.handshake.expected_peer = id_of(listener_options());
  dialing.crossing_secret = testing::secret_of(77);
  SessionPair pair(dialing, listener_options());
  pair.settle();
  ASSERT_EQ(pair.dialer.events.size(), 1U);
  ASSERT_EQ(pair.listener.events.size(), 1U);
}

TEST(Session, AnotherPresharedKeyIsRecognisedByItsTag) {
  auto dialing = dialer_options();
  auto listening = listener_options();
  dialing.handshake.psk = testing::secret_of(3);
  listening.handshake.psk = testing::secret_of(4);
  SessionPair pair(dialing, listening);
  pair.settle();
  expect_rejected(pair.listener, RejectReason::wrong_tag);
  expect_told(pair.dialer, DialProblem::wrong_key);
}

TEST(Session, ADialerOfAnOpenRunIsRefusedByAPrivateOne) {
  auto listening = listener_options();
  listening.handshake.psk = testing::secret_of(4);
  SessionPair pair(dialer_options(), listening);
  pair.settle();
  expect_rejected(pair.listener, RejectReason::wrong_tag);
  expect_told(pair.dialer, DialProblem::wrong_key);
}

TEST(Session, ADialerOfAPrivateRunIsRefusedByAnOpenOne) {
  auto dialing = dialer_options();
  dialing.handshake.psk = testing::secret_of(4);
  SessionPair pair(dialing, listener_options());
  pair.settle();
  expect_rejected(pair.listener, RejectReason::wrong_tag);
  expect_told(pair.dialer, DialProblem::wrong_key);
}

TEST(Session, TheSamePresharedKeyEstablishes) {
  auto dialing = dialer_options();
  auto listening = listener_options();
  dialing.handshake.psk = listening.handshake.psk = testing::secret_of(3);
  SessionPair pair(dialing, listening);
  pair.settle();
  EXPECT_EQ(pair.dialer.events.size(), 1U);
  EXPECT_EQ(pair.listener.events.size(), 1U);
}

TEST(Session, AnotherRunFails) {
  auto dialing = dialer_options();
  dialing.handshake.run = testing::run_of(9);
  SessionPair pair(dialing, listener_options());
  pair.settle();
  expect_rejected(pair.listener, RejectReason::other_run);
  expect_told(pair.dialer, DialProblem::other_run);
}

TEST(Session, AnotherPrivateRunIsToldFromAnotherKey) {
  auto dialing = dialer_options();
  auto listening = listener_options();
  dialing.handshake.run = testing::run_of(9);
  dialing.handshake.psk = listening.handshake.psk = testing::secret_of(3);
  SessionPair pair(dialing, listening);
  pair.settle();
  expect_told(pair.dialer, DialProblem::other_run);
}

TEST(Session, AnotherProtocolVersionFailsAndBothNumbersAreKnown) {
  auto dialing = dialer_options();
  ++dialing.handshake.protocol_version;
  SessionPair pair(dialing, listener_options());
  pair.settle();
  expect_rejected(pair.listener, RejectReason::other_version);
  expect_told(pair.dialer, DialProblem::other_version);
  EXPECT_EQ(pair.dialer.end()->detail.version, limits::protocol_version);
}

TEST(Session, NoStrangerIsSentMoreThanItSent) {
  for (std::size_t size = 0; size <= preamble_bytes + 200; ++size) {
    Peer listener(listener_options());
    Bytes knock = {'S', 'T', 'A', 'R', limits::protocol_version + 1};
    knock.resize(std::max(knock.size(), size), 0x5a);
    listener.receive(ByteSpan(knock).first(size));
    EXPECT_LE(listener.pull().size(), size) << size;
  }
}

TEST(Session, ARefusalInsteadOfMessage2IsBelievedOnlyThere) {
  auto pair = established_pair();
  pair.dialer.receive(Bytes{0, 2, 1, 9});
  expect_rejected(pair.dialer, RejectReason::bad_frame);  // shorter than any sealed frame
}

TEST(Session, AListenerTakesNoRefusal) {
  Peer listener(listener_options());
  listener.receive(testing::preamble_before(Bytes{1, 2}));
  listener.receive(Bytes{0, 2, 1, 2});
  expect_rejected(listener, RejectReason::bad_handshake);
}

TEST(Session, ADialerBehindTheListenersClockIsNamedWithTheDifference) {
  auto listening = listener_options();
  listening.handshake.now = {3000};  // the dialer's certificate ended at 2000
  SessionPair pair(dialer_options(), listening);
  pair.settle();
  expect_rejected(pair.dialer, RejectReason::expired_key);
  EXPECT_EQ(pair.dialer.end()->problem, DialProblem::clock);
  EXPECT_EQ(pair.dialer.end()->detail.clock_ahead_s, 2000);
}

TEST(Session, ADialerAheadOfTheListenersClockIsNamedWithTheDifference) {
  auto dialing = dialer_options();
  dialing.handshake.now = {2500};  // the listener's certificate ended at 2000
  SessionPair pair(dialing, listener_options());
  pair.settle();
  expect_rejected(pair.dialer, RejectReason::expired_key);
  EXPECT_EQ(pair.dialer.end()->problem, DialProblem::clock);
  EXPECT_EQ(pair.dialer.end()->detail.clock_ahead_s, -1500);
}

TEST(Session, AnotherNodeThanTheOneDialledIsRejected) {
  auto dialing = dialer_options();
  dialing.handshake.expected_peer = id_of(dialer_options());
  SessionPair pair(dialing, listener_options());
  pair.settle();
  expect_rejected(pair.dialer, RejectReason::wrong_identity);
}

TEST(Session, GarbageInsteadOfAHandshakeIsRejectedAtOnce) {
  Peer listener(listener_options());
  const std::string_view request = "GET / HTTP/1.1\r\n\r\n";
  listener.receive(Bytes(request.begin(), request.end()));
  expect_rejected(listener, RejectReason::bad_handshake);  // no preamble
  EXPECT_TRUE(listener.pull().empty());
}

TEST(Session, AWellFramedHandshakeOfNoiseIsRejected) {
  Peer listener(listener_options());
  const Bytes noise(16, 0x5a);
  listener.receive(testing::preamble_before(noise));
  listener.receive(Bytes{0, 16});
  listener.receive(noise);
  expect_rejected(listener, RejectReason::bad_handshake);
}

TEST(Session, ASlowHandshakeIsDropped) {
  Peer listener(listener_options());
  EXPECT_EQ(listener.session.next_deadline(), Instant{limits::handshake_time_max});
  listener.session.tick(Instant{9s}, listener.events);
  EXPECT_TRUE(listener.events.empty());
  listener.session.tick(Instant{10s}, listener.events);
  expect_rejected(listener, RejectReason::handshake_slow);
}

// --- Messages ---

TEST(Session, EveryMessageArrivesInBothDirections) {
  auto pair = established_pair();
  testing::RandomValues random(5);
  std::vector<Message> sent;
  for (std::size_t kind = Message(Join{}).index(); kind < std::variant_size_v<Message>; ++kind) {
    sent.push_back(random.message(kind));
  }
  for (const Message& message : sent) {
    ASSERT_TRUE(pair.dialer.session.send(message));
    ASSERT_TRUE(pair.listener.session.send(message));
    pair.settle();  // one at a time: kinds overtake each other
    for (Peer* peer : {&pair.dialer, &pair.listener}) {
      const auto received = peer->take_messages();
      ASSERT_EQ(received.size(), 1U) << message.index();
      EXPECT_TRUE(received[0] == message) << message.index();
    }
  }
}

TEST(Session, AStreamMayBeCutAnywhere) {
  // Everything the dialer sends, from its greeting on, in pieces of 1, 2, 3, ... bytes.
  for (std::size_t piece = 1; piece <= 300; ++piece) {
    SessionPair pair;
    const auto pass = [piece](Peer& from, Peer& to) {
      const Bytes bytes = from.pull();
      for (std::size_t at = 0; at < bytes.size(); at += piece) {
        to.receive(ByteSpan(bytes).subspan(at, std::min(piece, bytes.size() - at)));
      }
    };
    pass(pair.dialer, pair.listener);
    pass(pair.listener, pair.dialer);
    ASSERT_TRUE(pair.dialer.session.send(Ping{piece}));
    ASSERT_TRUE(pair.dialer.session.send(bulk_of(100)));
    pass(pair.dialer, pair.listener);
    const auto received = pair.listener.take_messages();
    ASSERT_EQ(received.size(), 2U) << "pieces of " << piece;
    EXPECT_TRUE(received[0] == Message(Ping{piece}));
    EXPECT_TRUE(received[1] == Message(bulk_of(100)));
  }
}

TEST(Session, NothingReadableIsOnTheWire) {
  auto pair = established_pair();
  const std::string address = "a-very-recognisable-host.example:4000";
  ASSERT_TRUE(pair.dialer.session.send(Join{{{}, address}}));
  const Bytes bytes = pair.dialer.pull();
  EXPECT_EQ(std::search(bytes.begin(), bytes.end(), address.begin(), address.end()), bytes.end());
  pair.listener.receive(bytes);
  EXPECT_EQ(pair.listener.take_messages().size(), 1U);
}

TEST(Session, NothingIsAcceptedBeforeItIsEstablished) {
  Peer dialer(dialer_options());
  EXPECT_FALSE(dialer.session.send(Ping{1}));
}

TEST(Session, CountsWhatPassedTheSocket) {
  auto pair = established_pair();
  ASSERT_TRUE(pair.dialer.session.send(bulk_of(50'000)));
  pair.settle();
  const auto& sent = pair.dialer.session.counters();
  const auto& received = pair.listener.session.counters();
  EXPECT_GT(sent.bytes_sent, 50'000U);
  EXPECT_EQ(sent.bytes_sent, received.bytes_received);
  EXPECT_EQ(sent.frames_sent, received.frames_received);
}

// --- Priorities and bounds of sending ---

TEST(Session, AControlMessageOvertakesQueuedBulk) {
  auto pair = established_pair();
  ASSERT_TRUE(pair.dialer.session.send(bulk_of(200'000)));
  pair.listener.receive(pair.dialer.pull(20'000));
  ASSERT_TRUE(pair.dialer.session.send(Gossip{}));
  ASSERT_TRUE(pair.dialer.session.send(Ping{1}));
  pair.settle();
  const auto received = pair.listener.take_messages();
  ASSERT_EQ(received.size(), 3U);
  EXPECT_TRUE(std::holds_alternative<Ping>(received[0]));
  EXPECT_TRUE(std::holds_alternative<Gossip>(received[1]));
  EXPECT_TRUE(received[2] == Message(bulk_of(200'000)));
}

TEST(Session, BulkGetsOneFrameInEight) {
  auto pair = established_pair();
  ASSERT_TRUE(pair.dialer.session.send(bulk_of(10)));  // a header and one frame of data
  for (std::uint64_t nonce = 0; nonce < 100; ++nonce) {
    ASSERT_TRUE(pair.dialer.session.send(Ping{nonce}));
  }
  pair.settle();
  const auto received = pair.listener.take_messages();
  const auto bulk = std::ranges::find_if(
      received, [](const Message& message) { return std::holds_alternative<Bulk>(message); });
  EXPECT_EQ(bulk - received.begin(), 14);  // twice seven pings before it
}

TEST(Session, TheMessageQueueIsBounded) {
  auto pair = established_pair();
  for (std::size_t i = 0; i < limits::session_queue_messages_max; ++i) {
    ASSERT_TRUE(pair.dialer.session.send(Ping{i}));
  }
  EXPECT_FALSE(pair.dialer.session.send(Ping{0}));
  pair.settle();
  EXPECT_EQ(pair.listener.take_messages().size(), limits::session_queue_messages_max);
  EXPECT_TRUE(pair.dialer.session.send(Ping{0}));
}

TEST(Session, TheBulkQueueIsBounded) {
  auto pair = established_pair();
  Bulk quarter;
  quarter.data = Bytes(limits::bulk_queue_bytes_min / 4);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(pair.dialer.session.send(quarter));
  EXPECT_FALSE(pair.dialer.session.send(bulk_of(1)));
}

TEST(Session, AMessageAboveTheControlLimitIsNotSent) {
  auto pair = established_pair();
  EXPECT_FALSE(pair.dialer.session.send(
      VoteVector{.counts = std::vector<VoteCount>(400), .wants_reply = false, .digest = {}}));
}

// --- Bulk ---

TEST(Session, CreditBoundsWhatIsUnderWay) {
  auto pair = established_pair();
  ASSERT_TRUE(pair.dialer.session.send(bulk_of(3'000'000)));
  const std::size_t frames = limits::credit_window_bytes_initial / 16'000 + 2;
  const Bytes first = pair.dialer.pull(10'000'000);
  EXPECT_GE(first.size(), limits::credit_window_bytes_initial);
  EXPECT_LE(first.size(), limits::credit_window_bytes_initial + 200 + frames * 19);
  EXPECT_FALSE(pair.dialer.session.has_output());
  pair.listener.receive(first);
  pair.settle();
  const auto received = pair.listener.take_messages();
  ASSERT_EQ(received.size(), 1U);
  EXPECT_TRUE(received[0] == Message(bulk_of(3'000'000)));
}

TEST(Session, TheCreditWindowGrowsToItsBound) {
  auto pair = established_pair();
  ASSERT_TRUE(pair.dialer.session.send(bulk_of(20U << 20U)));
  std::size_t largest_burst = 0;
  while (pair.dialer.session.has_output()) {
    const Bytes burst = pair.dialer.pull(1U << 30U);
    largest_burst = std::max(largest_burst, burst.size());
    pair.listener.receive(burst);
    pair.dialer.receive(pair.listener.pull());
  }
  EXPECT_EQ(pair.listener.take_messages().size(), 1U);
  EXPECT_GT(largest_burst, limits::credit_window_bytes_max / 2);
  EXPECT_LT(largest_burst, limits::credit_window_bytes_max * 101 / 100);
}

TEST(Session, TheLargestBulkPassesAndALargerOneIsRefused) {
  auto pair = established_pair();
  const std::size_t largest = testing::bulk_bytes_max;
  const Bulk too_large = bulk_of(largest + 1);
  EXPECT_FALSE(pair.dialer.session.send(too_large));
  EXPECT_EQ(pair.dialer.session.refuses_to_send(too_large),
            (BulkRefusal{BulkKind::pair_payload, largest + 1, largest}));
  const Bulk bulk = bulk_of(largest);
  ASSERT_TRUE(pair.dialer.session.send(bulk));
  pair.settle();
  const auto received = pair.listener.take_messages();
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(std::get<Bulk>(received[0]).data.size(), largest);
}

TEST(Session, BulkBothWaysAtOnceArrives) {
  auto pair = established_pair();
  for (std::uint64_t number = 0; number < 3; ++number) {
    ASSERT_TRUE(pair.dialer.session.send(bulk_of(900'000, number)));
    ASSERT_TRUE(pair.listener.session.send(bulk_of(700'000, number + 10)));
  }
  ASSERT_TRUE(pair.dialer.session.send(bulk_of(0, 3)));
  pair.settle();
  const auto at_listener = pair.listener.take_messages();
  const auto at_dialer = pair.dialer.take_messages();
  ASSERT_EQ(at_listener.size(), 4U);
  ASSERT_EQ(at_dialer.size(), 3U);
  for (std::uint64_t number = 0; number < 3; ++number) {
    EXPECT_TRUE(at_listener[number] == Message(bulk_of(900'000, number)));
    EXPECT_TRUE(at_dialer[number] == Message(bulk_of(700'000, number + 10)));
  }
  EXPECT_TRUE(at_listener[3] == Message(bulk_of(0, 3)));
}

TEST(Session, TheOwnersLimitHoldsForBothDirections) {
  auto listening = listener_options();
  listening.bulk = BulkBounds::all(1000);
  SessionPair pair(dialer_options(), listening);
  pair.settle();
  EXPECT_FALSE(pair.listener.session.send(bulk_of(1001)));
  ASSERT_TRUE(pair.dialer.session.send(bulk_of(1001)));
  pair.settle();
  expect_rejected(pair.listener, RejectReason::too_large);
  expect_closed(pair.dialer, CloseReason::misbehaviour);
}

}  // namespace
}  // namespace starling::protocol
