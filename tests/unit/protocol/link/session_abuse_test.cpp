// Sessions with peers that break the rules, stall or end.

#include <gtest/gtest.h>

#include <chrono>

#include "protocol/link/session.h"
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

// --- Hostile peers that are in the run ---

struct Attack {
  Peer target{listener_options()};
  HostilePeer attacker{target};

  void send(FrameKind kind, ByteSpan content) { target.receive(attacker.frame_of(kind, content)); }
  void send(const Message& message) { send(FrameKind::message, encode(message)); }
};

BulkHeader header_of(std::uint64_t bytes) {
  return {BulkKind::round_payload, 1, 2, 3, {}, bytes};
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
  BulkReceiver receiver;
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
