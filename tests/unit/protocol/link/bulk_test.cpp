// Bulk messages of any size: shared bytes, what is taken up, what waits, and the room for what
// comes.

#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/link/bulk_bounds.h"
#include "protocol/link/bulk_receiver.h"
#include "protocol/link/send_queue.h"
#include "protocol/shared_bytes.h"
#include "protocol/wire/wire.h"
#include "tests/support/session_checks.h"
#include "tests/support/session_peers.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::Peer;
using testing::SessionPair;

constexpr std::size_t mebibyte = 1U << 20U;

BulkHeader header_of(std::uint64_t bytes, BulkKind kind = BulkKind::pair_payload) {
  return {.kind = kind, .number = 7, .step = 3, .degree = 1, .context = {}, .bytes = bytes};
}

Bulk message_of(Bytes data, BulkKind kind = BulkKind::pair_payload) {
  return {.kind = kind, .number = 7, .step = 3, .degree = 1, .context = {}, .data = data};
}

// --- SharedBytes ---

TEST(SharedBytes, CopiesHoldTheSameBytes) {
  const SharedBytes bytes(Bytes{1, 2, 3});
  const SharedBytes copy = bytes;
  EXPECT_EQ(copy.data(), bytes.data());
  EXPECT_EQ(copy, bytes);
  EXPECT_EQ(copy.copy(), (Bytes{1, 2, 3}));
}

TEST(SharedBytes, APartOutlivesTheWhole) {
  SharedBytes whole(Bytes{1, 2, 3, 4});
  const SharedBytes part = whole.from(2);
  whole = {};
  EXPECT_EQ(part, (SharedBytes{3, 4}));
}

TEST(SharedBytes, AreEqualByContent) {
  EXPECT_EQ((SharedBytes{1, 2}), (SharedBytes{1, 2}));
  EXPECT_NE((SharedBytes{1, 2}), (SharedBytes{1, 3}));
  EXPECT_NE((SharedBytes{1, 2}), (SharedBytes{1}));
  EXPECT_TRUE(SharedBytes().empty());
}

// --- What is taken up ---

TEST(BulkGate, RefusesAKindThatTheRunDoesNotHaveAndASizeAboveItsBound) {
  BulkBounds bounds;
  bounds.set(BulkKind::round_payload, 1000);
  const BulkGate gate(bounds);
  EXPECT_FALSE(gate.refuses(BulkKind::round_payload, 1000));
  EXPECT_EQ(gate.refuses(BulkKind::round_payload, 1001),
            (BulkRefusal{BulkKind::round_payload, 1001, 1000}));
  EXPECT_EQ(gate.refuses(BulkKind::pair_payload, 1), (BulkRefusal{BulkKind::pair_payload, 1, 0}));
}

TEST(BulkGate, TakesAStateOnlyWhereOneWasAskedFor) {
  BulkGate gate(BulkBounds::all(1000));
  EXPECT_TRUE(gate.refuses(BulkKind::state, 10));
  gate.sending(Ping{1});
  EXPECT_TRUE(gate.refuses(BulkKind::state, 10));
  gate.sending(StateRequest{1});
  EXPECT_FALSE(gate.refuses(BulkKind::state, 1000));
  EXPECT_TRUE(gate.refuses(BulkKind::state, 1001));
}

TEST(BulkGate, SendsNothingThatAPeerOfTheRunWouldRefuse) {
  const BulkGate gate(BulkBounds::all(2));
  EXPECT_FALSE(gate.refuses_to_send(message_of({1, 2}, BulkKind::state)));
  EXPECT_EQ(gate.refuses_to_send(message_of({1, 2, 3})),
            (BulkRefusal{BulkKind::pair_payload, 3, 2}));
  EXPECT_FALSE(gate.refuses_to_send(Ping{1}));
}

TEST(BulkGate, ARefusalNamesBothNumbers) {
  EXPECT_EQ(text_of({BulkKind::round_payload, 1001, 1000}),
            "a bulk message of kind round_payload has 1001 bytes, and in this run at most 1000 "
            "are possible");
  EXPECT_EQ(text_of({BulkKind::state, 8, 0}),
            "a bulk message of kind state has 8 bytes and was not expected");
}

// --- The room for what comes ---

TEST(BulkReceiver, TakesNoRoomForWhatAHeaderClaims) {
  BulkReceiver receiver;
  ASSERT_TRUE(receiver.begin(header_of(std::uint64_t{1} << 60U)));
  EXPECT_EQ(receiver.room_bytes(), 0U);
  ASSERT_TRUE(receiver.append(Bytes(100)));
  EXPECT_LE(receiver.room_bytes(), limits::bulk_room_bytes_first);
}

TEST(BulkReceiver, TakesRoomForFourTimesWhatHasComeAndForTheMessageInTheEnd) {
  constexpr std::size_t size = 10 * mebibyte + 17;
  BulkReceiver receiver;
  ASSERT_TRUE(receiver.begin(header_of(size)));
  Bytes piece(16'000);
  for (std::size_t sent = 0; sent + piece.size() < size; sent += piece.size()) {
    std::ranges::fill(piece, static_cast<std::uint8_t>(sent / piece.size()));
    ASSERT_TRUE(receiver.append(piece));
    static_cast<void>(receiver.take_grant());
    const std::size_t paid = limits::bulk_room_growth * receiver.received_bytes();
    ASSERT_LE(receiver.room_bytes(), std::max(limits::bulk_room_bytes_first, paid));
    ASSERT_LE(receiver.room_bytes(), size);
  }
  EXPECT_EQ(receiver.room_bytes(), size);
  const auto done = receiver.append(Bytes(size - receiver.received_bytes()));
  ASSERT_TRUE(done && *done);
  EXPECT_EQ((**done).data.size(), size);
  EXPECT_EQ((**done).data[16'000], 1);
  EXPECT_EQ(receiver.room_bytes(), 0U);
}

// --- What waits ---

TEST(SendQueue, OneMessageIsAdmittedHoweverLargeItIs) {
  SendQueue queue(1000, 256);
  const SharedBytes large(Bytes(5000));
  ASSERT_TRUE(queue.push(Bulk{.context = {}, .data = large}));
  EXPECT_FALSE(queue.push(message_of({1})));
  Bytes frames;
  while (queue.ready()) queue.append_next(frames);
  EXPECT_TRUE(queue.push(message_of(Bytes(600))));
  EXPECT_TRUE(queue.push(message_of(Bytes(400))));
  EXPECT_FALSE(queue.push(message_of({1})));
}

TEST(Session, AMessageAboveSixtyFourMebibytesPasses) {
  auto dialing = testing::dialer_options();
  auto listening = testing::listener_options();
  dialing.bulk = listening.bulk = BulkBounds::all(100 * mebibyte);
  SessionPair pair(std::move(dialing), std::move(listening));
  pair.settle();
  Bytes data(80 * mebibyte);
  for (std::size_t i = 0; i < data.size(); i += 4096) data[i] = static_cast<std::uint8_t>(i >> 12U);
  const Bulk bulk = message_of(std::move(data));
  ASSERT_TRUE(pair.dialer.session.send(bulk));
  pair.settle();
  const auto received = pair.listener.take_messages();
  ASSERT_EQ(received.size(), 1U);
  EXPECT_TRUE(received[0] == Message(bulk));
}

TEST(Session, TellsBothNumbersOfABulkMessageThatItRefuses) {
  auto listening = testing::listener_options();
  listening.bulk = BulkBounds::all(1000);
  SessionPair pair(testing::dialer_options(), std::move(listening));
  pair.settle();
  ASSERT_TRUE(pair.dialer.session.send(message_of(Bytes(1001))));
  pair.settle();
  const SessionEvents& events = pair.listener.events;
  ASSERT_GE(events.size(), 2U);
  const auto* refused = std::get_if<SessionBulkRefused>(&events[events.size() - 2]);
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->refusal, (BulkRefusal{BulkKind::pair_payload, 1001, 1000}));
  EXPECT_TRUE(std::holds_alternative<SessionClosed>(events.back()));
}

TEST(Session, AStateThatNobodyAskedForEndsTheSession) {
  SessionPair pair;
  pair.settle();
  ASSERT_TRUE(pair.listener.session.send(StateRequest{7}));
  pair.settle();
  ASSERT_TRUE(pair.dialer.session.send(message_of({1, 2}, BulkKind::state)));
  pair.settle();
  EXPECT_EQ(pair.listener.take_messages().size(), 1U);
  ASSERT_TRUE(pair.listener.session.send(message_of({1, 2}, BulkKind::state)));
  pair.settle();
  ASSERT_NE(pair.dialer.end(), nullptr);
  EXPECT_EQ(std::get<RejectReason>(pair.dialer.end()->why), RejectReason::too_large);
}

// --- Progress ---

std::size_t progress_of(const Peer& peer) {
  return static_cast<std::size_t>(std::ranges::count_if(peer.events, [](const auto& event) {
    return std::holds_alternative<SessionBulkProgressed>(event);
  }));
}

TEST(Session, TellsOfABulkMessageThatTakesItsTimeOnceASecond) {
  SessionPair pair;
  pair.settle();
  ASSERT_TRUE(pair.dialer.session.send(message_of(Bytes(mebibyte))));
  Instant now{100s};
  for (int tenths = 0; tenths < 35; ++tenths, now = now + 100ms) {
    pair.listener.receive(pair.dialer.pull(10'000), now);
    pair.dialer.receive(pair.listener.pull(), now);
  }
  EXPECT_EQ(progress_of(pair.listener), 3U);
  const auto told = std::ranges::find_if(pair.listener.events, [](const auto& event) {
    return std::holds_alternative<SessionBulkProgressed>(event);
  });
  const auto& first = std::get<SessionBulkProgressed>(*told);
  EXPECT_EQ(first.header.number, 7U);
  EXPECT_GT(first.received_bytes, 0U);
  pair.settle(now);
  EXPECT_EQ(pair.listener.take_messages().size(), 1U);
}

TEST(Session, SaysNothingOfABulkMessageThatComesAtOnce) {
  SessionPair pair;
  pair.settle();
  ASSERT_TRUE(pair.dialer.session.send(message_of(Bytes(4 * mebibyte))));
  pair.settle(Instant{100s});
  EXPECT_EQ(pair.listener.take_messages().size(), 1U);
  EXPECT_EQ(progress_of(pair.listener), 0U);
}

}  // namespace
}  // namespace starling::protocol
