#include "protocol/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "protocol/wire.h"
#include "tests/support/random_message.h"
#include "tests/support/session_peers.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::dialer_options;
using testing::HostilePeer;
using testing::listener_options;
using testing::Peer;
using testing::SessionPair;

NodeId id_of(const SessionOptions& options) {
  return options.handshake.self.certificate.node;
}

Bulk bulk_of(std::size_t bytes, std::uint64_t number = 1) {
  testing::RandomValues random(number);
  return {BulkKind::pair_payload, number, 7, 3, {}, random.bytes(bytes)};
}

SessionPair established_pair() {
  SessionPair pair;
  pair.settle();
  return pair;
}

void expect_rejected(const Peer& peer, RejectReason reason) {
  ASSERT_NE(peer.end(), nullptr);
  const auto* why = std::get_if<RejectReason>(&peer.end()->why);
  ASSERT_NE(why, nullptr) << "closed, not rejected";
  EXPECT_EQ(name_of(*why), name_of(reason));
  EXPECT_TRUE(peer.session.closed());
}

void expect_closed(const Peer& peer, CloseReason reason) {
  ASSERT_NE(peer.end(), nullptr);
  const auto* why = std::get_if<CloseReason>(&peer.end()->why);
  ASSERT_NE(why, nullptr) << "rejected, not closed";
  EXPECT_EQ(*why, reason);
}

// --- Handshake ---

TEST(Session, BothSidesLearnWhoTheOtherIs) {
  auto pair = established_pair();
  ASSERT_EQ(pair.dialer.events.size(), 1U);
  ASSERT_EQ(pair.listener.events.size(), 1U);
  EXPECT_EQ(std::get<SessionEstablished>(pair.dialer.events[0]).peer, id_of(listener_options()));
  EXPECT_EQ(std::get<SessionEstablished>(pair.listener.events[0]).peer, id_of(dialer_options()));
}

TEST(Session, AnotherPresharedKeyIsRecognisedByItsTag) {
  auto dialing = dialer_options();
  auto listening = listener_options();
  dialing.handshake.psk = testing::secret_of(3);
  listening.handshake.psk = testing::secret_of(4);
  SessionPair pair(dialing, listening);
  pair.settle();
  expect_rejected(pair.listener, RejectReason::wrong_tag);
  EXPECT_EQ(pair.listener.session.counters().bytes_sent, 0U);  // a stranger gets no answer
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
  expect_rejected(pair.dialer, RejectReason::bad_handshake);
}

TEST(Session, AnotherProtocolVersionFails) {
  auto dialing = dialer_options();
  ++dialing.handshake.protocol_version;
  SessionPair pair(dialing, listener_options());
  pair.settle();
  expect_rejected(pair.dialer, RejectReason::bad_handshake);
}

TEST(Session, AnExpiredCertificateIsNamed) {
  auto listening = listener_options();
  listening.handshake.now = {3000};  // the dialer's ended at 2000
  SessionPair pair(dialer_options(), listening);
  pair.settle();
  expect_rejected(pair.listener, RejectReason::expired_key);
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
  expect_rejected(listener, RejectReason::bad_frame);  // "GE" announces 18,245 bytes
}

TEST(Session, AWellFramedHandshakeOfNoiseIsRejected) {
  Peer listener(listener_options());
  Bytes frame = {0, 16};
  frame.resize(18, 0x5a);
  listener.receive(frame);
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
  quarter.data.resize(limits::session_bulk_queue_bytes_max / 4);
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
  Bulk bulk;
  bulk.data.resize(limits::bulk_message_bytes_max + 1);
  EXPECT_FALSE(pair.dialer.session.send(bulk));
  bulk.data.pop_back();
  ASSERT_TRUE(pair.dialer.session.send(bulk));
  pair.settle();
  const auto received = pair.listener.take_messages();
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(std::get<Bulk>(received[0]).data.size(), limits::bulk_message_bytes_max);
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
  listening.bulk_bytes_max = 1000;
  SessionPair pair(dialer_options(), listening);
  pair.settle();
  EXPECT_FALSE(pair.listener.session.send(bulk_of(1001)));
  ASSERT_TRUE(pair.dialer.session.send(bulk_of(1001)));
  pair.settle();
  expect_rejected(pair.listener, RejectReason::too_large);
  expect_closed(pair.dialer, CloseReason::misbehaviour);
}

// --- Hostile peers that are in the run ---

struct Attack {
  Peer target{listener_options()};
  HostilePeer attacker{target};

  void send(FrameKind kind, ByteSpan content) { target.receive(attacker.frame_of(kind, content)); }
  void send(const Message& message) { send(FrameKind::message, encode(message)); }
};

BulkHeader header_of(std::uint64_t bytes) {
  return {BulkKind::state, 1, 2, 3, {}, bytes};
}

TEST(Session, AFrameOfLengthZeroIsRejected) {
  Attack attack;
  attack.target.receive(Bytes{0, 0});
  expect_rejected(attack.target, RejectReason::bad_frame);
}

TEST(Session, ASealedFrameWithoutContentIsRejected) {
  Attack attack;
  attack.target.receive(attack.attacker.frame_of(ByteSpan{}));
  expect_rejected(attack.target, RejectReason::bad_frame);
}

TEST(Session, AnUnknownKindOfFrameIsRejected) {
  Attack attack;
  attack.send(static_cast<FrameKind>(2), Bytes{1, 2, 3});
  expect_rejected(attack.target, RejectReason::bad_frame);
}

TEST(Session, AnOversizedFrameIsRejectedByItsHeader) {
  Attack attack;
  attack.target.receive(Bytes{0x40, 0x12});  // 16,402 bytes: one more than the largest
  expect_rejected(attack.target, RejectReason::bad_frame);
}

TEST(Session, AFlippedBitBreaksTheSeal) {
  Attack attack;
  Bytes frame = attack.attacker.frame_of(FrameKind::message, encode(Ping{1}));
  frame[10] ^= 1;
  attack.target.receive(frame);
  expect_rejected(attack.target, RejectReason::bad_seal);
}

TEST(Session, ARepeatedFrameBreaksTheSeal) {
  Attack attack;
  const Bytes frame = attack.attacker.frame_of(FrameKind::message, encode(Ping{1}));
  attack.target.receive(frame);
  EXPECT_EQ(attack.target.take_messages().size(), 1U);
  attack.target.receive(frame);
  expect_rejected(attack.target, RejectReason::bad_seal);
}

TEST(Session, GarbageUnderAValidSealIsABadEncoding) {
  Attack attack;
  attack.send(FrameKind::message, Bytes(24, 0xff));
  expect_rejected(attack.target, RejectReason::bad_encoding);
}

TEST(Session, AMessageOfANewerVersionIsIgnored) {
  Attack attack;
  Bytes unknown = encode(Prune{});
  unknown[8] = 200;  // the union's tag
  attack.send(FrameKind::message, unknown);
  attack.send(Ping{1});
  EXPECT_EQ(attack.target.take_messages().size(), 1U);
  EXPECT_EQ(attack.target.end(), nullptr);
}

TEST(Session, AnAnnouncedSizeAboveTheLimitTakesNoMemory) {
  Attack attack;
  attack.send(header_of(std::uint64_t{1} << 60U));
  expect_rejected(attack.target, RejectReason::too_large);
}

TEST(Session, BulkDataWithoutAHeaderIsUnexpected) {
  Attack attack;
  attack.send(FrameKind::bulk_data, Bytes{1});
  expect_rejected(attack.target, RejectReason::unexpected);
}

TEST(Session, MoreBulkDataThanAnnouncedIsUnexpected) {
  Attack attack;
  attack.send(header_of(2));
  attack.send(FrameKind::bulk_data, Bytes{1, 2, 3});
  expect_rejected(attack.target, RejectReason::unexpected);
}

TEST(Session, ASecondHeaderBeforeTheDataIsUnexpected) {
  Attack attack;
  attack.send(header_of(2));
  attack.send(header_of(2));
  expect_rejected(attack.target, RejectReason::unexpected);
}

TEST(Session, BulkBeyondTheCreditIsAFlood) {
  // The grants that the target queues count: an attacker cannot have received them yet, but they
  // are its to use. Without them the window would end at 256 KiB; with all of them sent back to
  // back, the target grants as it consumes, so only a peer that ignores the window entirely before
  // the first grant is caught: one that never lets a quarter be consumed in between.
  BulkReceiver receiver(limits::bulk_message_bytes_max);
  ASSERT_TRUE(receiver.begin(header_of(1U << 20U)).has_value());
  const Bytes data(limits::credit_window_bytes_initial);
  ASSERT_TRUE(receiver.append(data).has_value());
  EXPECT_EQ(receiver.append(Bytes{1}).error(), RejectReason::flood);
  EXPECT_EQ(receiver.take_grant(), 2 * data.size());  // what was consumed, and as much growth
  EXPECT_TRUE(receiver.append(Bytes{1}).has_value());
}

TEST(Session, MoreCreditThanAWindowIsAFlood) {
  Attack attack;
  attack.send(Credit{limits::credit_window_bytes_max});
  expect_rejected(attack.target, RejectReason::flood);
}

TEST(Session, TooManyMessagesASecondAreAFlood) {
  Attack attack;
  for (int i = 0; i < limits::session_messages_per_second_max; ++i) attack.send(Ping{1});
  EXPECT_EQ(attack.target.end(), nullptr);
  attack.send(Ping{1});
  expect_rejected(attack.target, RejectReason::flood);
}

TEST(Session, TheRateCountsAnewEachSecond) {
  Attack attack;
  for (int second = 0; second < 3; ++second) {
    for (int i = 0; i < limits::session_messages_per_second_max; ++i) {
      attack.target.receive(attack.attacker.frame_of(FrameKind::message, encode(Ping{1})),
                            Instant{second * 1s});
    }
  }
  EXPECT_EQ(attack.target.end(), nullptr);
}

// --- Stalls and ends ---

TEST(Session, AStartedFrameMustEndWithin20SecondsHoweverItTrickles) {
  Attack attack;
  const Bytes frame = attack.attacker.frame_of(FrameKind::message, encode(Ping{1}));
  for (int second = 0; second < 20; ++second) {
    attack.target.receive(ByteSpan(frame).subspan(static_cast<std::size_t>(second), 1),
                          Instant{second * 1s});
    attack.target.session.tick(Instant{second * 1s}, attack.target.events);
    EXPECT_EQ(attack.target.end(), nullptr);
  }
  EXPECT_EQ(attack.target.session.next_deadline(), Instant{20s});
  attack.target.session.tick(Instant{20s}, attack.target.events);
  expect_rejected(attack.target, RejectReason::stalled);
}

TEST(Session, AStartedBulkMessageMustMoveOn) {
  Attack attack;
  attack.send(header_of(100));
  attack.target.receive(attack.attacker.frame_of(FrameKind::bulk_data, Bytes{1}), Instant{15s});
  attack.target.session.tick(Instant{34s}, attack.target.events);
  EXPECT_EQ(attack.target.end(), nullptr);
  attack.target.session.tick(Instant{35s}, attack.target.events);
  expect_rejected(attack.target, RejectReason::stalled);
}

TEST(Session, APeerThatNeverGrantsCreditIsStalled) {
  Attack attack;
  ASSERT_TRUE(attack.target.session.send(bulk_of(1'000'000)));
  Bytes out;
  attack.target.session.pull(out, 2'000'000);
  attack.send(Ping{1});
  attack.target.receive(attack.attacker.frame_of(FrameKind::message, encode(Ping{2})),
                        Instant{19s});
  EXPECT_EQ(attack.target.session.next_deadline(), Instant{20s});
  attack.target.session.tick(Instant{20s}, attack.target.events);
  expect_rejected(attack.target, RejectReason::stalled);
}

TEST(Session, AnIdleLinkHasNoDeadline) {
  auto pair = established_pair();
  EXPECT_EQ(pair.dialer.session.next_deadline(), Instant::never());
  EXPECT_EQ(pair.listener.session.next_deadline(), Instant::never());
}

TEST(Session, AFarewellReachesThePeerAfterWhatWasQueued) {
  auto pair = established_pair();
  ASSERT_TRUE(pair.dialer.session.send(bulk_of(100'000)));
  ASSERT_TRUE(pair.dialer.session.send(Ping{1}));
  pair.dialer.session.close(CloseReason::shutting_down);
  EXPECT_FALSE(pair.dialer.session.send(Ping{2}));
  pair.settle();
  expect_closed(pair.listener, CloseReason::shutting_down);
  EXPECT_EQ(pair.listener.take_messages().size(), 1U);
  EXPECT_EQ(pair.dialer.end(), nullptr);  // its owner asked for it
  EXPECT_FALSE(pair.dialer.session.has_output());
}

TEST(Session, AnEndWithoutFarewellIsALostConnection) {
  auto pair = established_pair();
  pair.dialer.session.end_of_stream(pair.dialer.events);
  expect_closed(pair.dialer, CloseReason::connection_lost);
}

TEST(Session, AnEndWithinAFrameIsTruncation) {
  auto pair = established_pair();
  ASSERT_TRUE(pair.dialer.session.send(Ping{1}));
  const Bytes bytes = pair.dialer.pull();
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    auto fresh = established_pair();  // the same keys, so the same bytes are valid again
    fresh.listener.receive(ByteSpan(bytes).first(cut));
    fresh.listener.session.end_of_stream(fresh.listener.events);
    expect_rejected(fresh.listener, RejectReason::truncated);
  }
}

TEST(Session, ReportsItsEndOnce) {
  Attack attack;
  attack.target.receive(Bytes{0, 0});
  const std::size_t events = attack.target.events.size();
  attack.target.receive(Bytes{0, 0});
  attack.target.session.end_of_stream(attack.target.events);
  attack.target.session.tick(Instant{100s}, attack.target.events);
  EXPECT_EQ(attack.target.events.size(), events);
}

}  // namespace
}  // namespace starling::protocol
