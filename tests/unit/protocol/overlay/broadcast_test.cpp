// Plumtree: what one machine answers.

#include "protocol/overlay/broadcast.h"

#include <gtest/gtest.h>

#include "protocol/limits.h"
#include "protocol/wire/announcement.h"
#include "tests/support/effects_view.h"
#include "tests/support/instants.h"
#include "tests/support/overlay_node.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::at;
using testing::sent;
using testing::sent_to;
using testing::test_id;

Bytes body_of(std::size_t number, std::size_t size = 100) {
  Bytes body(size);
  for (std::size_t i = 0; i < 8; ++i) body[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return body;
}

Gossip gossip_of(std::size_t number, std::size_t size = 100) {
  Bytes body = body_of(number, size);
  return {.id = broadcast_id_of(body), .hops = 1, .body = std::move(body)};
}

/// All of them on eager links.
Broadcast with_neighbours(std::size_t count) {
  Broadcast broadcast;
  Effects effects;
  for (std::size_t i = 1; i <= count; ++i) {
    broadcast.neighbour_up(test_id(i), at(0s));
    EXPECT_TRUE(broadcast.receive(test_id(i), Graft{}, at(0s), effects));
  }
  return broadcast;
}

/// Receives as an owner does whose validator is content.
void deliver(Broadcast& broadcast, std::size_t from, const Gossip& gossip, Effects& effects) {
  const auto is_new = broadcast.receive(test_id(from), gossip, effects);
  ASSERT_TRUE(is_new);
  if (*is_new) broadcast.accept(test_id(from), gossip, Haste::at_once, at(0s), effects);
}

// --- One machine ---

TEST(Broadcast, ForwardsOnlyWhatTheOwnerAccepted) {
  Broadcast broadcast = with_neighbours(3);
  Effects effects;
  const Gossip gossip = gossip_of(1);
  EXPECT_EQ(broadcast.receive(test_id(1), gossip, effects), true);
  EXPECT_TRUE(effects.items.empty());
  broadcast.accept(test_id(1), gossip, Haste::at_once, at(0s), effects);
  const auto forwarded = sent_to<Gossip>(effects);
  ASSERT_EQ(forwarded.size(), 2U);
  EXPECT_NE(forwarded[0].first, test_id(1));
  EXPECT_EQ(forwarded[0].second.body, gossip.body);
  EXPECT_EQ(forwarded[0].second.hops, gossip.hops + 1);
}

TEST(Broadcast, ANewLinkIsLazyUnlessItIsTheFirst) {
  Broadcast broadcast;
  Effects effects;
  broadcast.neighbour_up(test_id(1), at(0s));
  broadcast.neighbour_up(test_id(2), at(0s));
  broadcast.broadcast(body_of(1), Haste::at_once, at(0s), effects);
  ASSERT_EQ(sent_to<Gossip>(effects).size(), 1U);
  EXPECT_EQ(sent_to<Gossip>(effects)[0].first, test_id(1));
}

TEST(Broadcast, IntroducesWhatItsCacheHolds) {
  Broadcast broadcast = with_neighbours(1);
  Effects effects;
  const BroadcastId id = broadcast.broadcast(body_of(1), Haste::at_once, at(0s), effects);
  effects.items.clear();
  broadcast.neighbour_up(test_id(2), at(0s));
  broadcast.introduce(id, test_id(2), effects);
  ASSERT_EQ(sent_to<Gossip>(effects).size(), 1U);
  EXPECT_EQ(sent_to<Gossip>(effects)[0].second.body, body_of(1));
  broadcast.tick(at(limits::broadcast_cache_time), effects);
  effects.items.clear();
  broadcast.introduce(id, test_id(2), effects);
  EXPECT_TRUE(sent<Gossip>(effects).empty());
}

TEST(Broadcast, PrunesTheLinkThatBringsADuplicate) {
  Broadcast broadcast = with_neighbours(3);
  Effects effects;
  deliver(broadcast, 1, gossip_of(1), effects);
  effects.items.clear();
  deliver(broadcast, 2, gossip_of(1), effects);
  ASSERT_EQ(sent_to<Prune>(effects).size(), 1U);
  EXPECT_EQ(sent_to<Prune>(effects)[0].first, test_id(2));
  EXPECT_EQ(broadcast.counters().duplicates, 1U);
}

TEST(Broadcast, OfTheBodiesUnderWayOnlyTheOneWithTheLeastIdShapesTheTree) {
  Gossip least = gossip_of(1);
  Gossip other = gossip_of(2);
  if (other.id < least.id) std::swap(least, other);
  for (const bool least_comes_first : {true, false}) {
    Broadcast broadcast = with_neighbours(3);
    Effects effects;
    deliver(broadcast, 1, least_comes_first ? least : other, effects);
    deliver(broadcast, 2, least_comes_first ? other : least, effects);
    effects.items.clear();
    deliver(broadcast, 3, other, effects);
    EXPECT_TRUE(sent<Prune>(effects).empty());
    deliver(broadcast, 3, least, effects);
    EXPECT_EQ(sent<Prune>(effects).size(), 1U);
  }
}

TEST(Broadcast, ABodyShapesTheTreeOnceThoseBeforeItHaveArrived) {
  Gossip least = gossip_of(1);
  Gossip other = gossip_of(2);
  if (other.id < least.id) std::swap(least, other);
  Broadcast broadcast = with_neighbours(3);
  Effects effects;
  deliver(broadcast, 1, least, effects);
  broadcast.tick(at(limits::shaping_interval), effects);
  deliver(broadcast, 1, other, effects);
  deliver(broadcast, 2, other, effects);
  EXPECT_EQ(sent<Prune>(effects).size(), 1U);
}

TEST(Broadcast, TellsNobodyWhatItHasTold) {
  Broadcast broadcast = with_neighbours(3);
  Effects effects;
  const Gossip gossip = gossip_of(1);
  ASSERT_TRUE(broadcast.receive(test_id(3), Prune{}));
  ASSERT_TRUE(broadcast.receive(test_id(2), IHave{{gossip.id}, {1}}, at(0s)));
  deliver(broadcast, 1, gossip, effects);
  EXPECT_TRUE(sent<Gossip>(effects).empty()) << "2 has it, and 3 wants only the id";
  ASSERT_TRUE(broadcast.receive(test_id(3), IHave{{gossip.id}, {1}}, at(1ms)));
  broadcast.tick(at(limits::ihave_batch_interval), effects);
  EXPECT_TRUE(sent<IHave>(effects).empty());
}

TEST(Broadcast, WaitsLongerWhereBodiesComeLateByTheTree) {
  Broadcast broadcast = with_neighbours(2);
  Effects effects;
  ASSERT_TRUE(broadcast.receive(test_id(2), IHave{{gossip_of(1).id}, {1}}, at(0s)));
  const auto is_new = broadcast.receive(test_id(1), gossip_of(1), effects);
  ASSERT_TRUE(is_new && *is_new);
  broadcast.accept(test_id(1), gossip_of(1), Haste::at_once, at(280ms), effects);
  effects.items.clear();
  ASSERT_TRUE(broadcast.receive(test_id(2), IHave{{gossip_of(2).id}, {1}}, at(1s)));
  broadcast.tick(at(1s + 2 * 280ms - 1ms), effects);
  EXPECT_TRUE(sent<Graft>(effects).empty());
  broadcast.tick(at(1s + 2 * 280ms), effects);
  EXPECT_EQ(sent<Graft>(effects).size(), 1U);
}

// Else every lost link would double the patience: what a graft brought tells nothing of the tree.
TEST(Broadcast, IsNoMorePatientAfterARepair) {
  Broadcast broadcast = with_neighbours(2);
  Effects effects;
  ASSERT_TRUE(broadcast.receive(test_id(2), IHave{{gossip_of(1).id}, {1}}, at(0s)));
  broadcast.tick(at(limits::graft_delay_first), effects);
  const auto is_new = broadcast.receive(test_id(2), gossip_of(1), effects);
  ASSERT_TRUE(is_new && *is_new);
  broadcast.accept(test_id(2), gossip_of(1), Haste::at_once, at(400ms), effects);
  effects.items.clear();
  ASSERT_TRUE(broadcast.receive(test_id(2), IHave{{gossip_of(2).id}, {1}}, at(1s)));
  broadcast.tick(at(1s + limits::graft_delay_first), effects);
  EXPECT_EQ(sent<Graft>(effects).size(), 1U);
}

TEST(Broadcast, TellsLazyNeighboursOnlyTheIdAfterTheBatchInterval) {
  Broadcast broadcast = with_neighbours(2);
  Effects effects;
  ASSERT_TRUE(broadcast.receive(test_id(2), Prune{}));
  const BroadcastId first = broadcast.broadcast(body_of(1), Haste::at_once, at(0s), effects);
  const BroadcastId second = broadcast.broadcast(body_of(2), Haste::at_once, at(1ms), effects);
  for (const auto& [peer, gossip] : sent_to<Gossip>(effects)) EXPECT_EQ(peer, test_id(1));
  EXPECT_TRUE(sent<IHave>(effects).empty());
  EXPECT_EQ(broadcast.next_deadline(), at(limits::ihave_batch_interval));
  broadcast.tick(at(limits::ihave_batch_interval), effects);
  const auto told = sent_to<IHave>(effects);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].first, test_id(2));
  EXPECT_EQ(told[0].second.ids, (std::vector{first, second}));
}

TEST(Broadcast, GraftsWhatWasAnnouncedAndDidNotCome) {
  Broadcast broadcast = with_neighbours(3);
  Effects effects;
  const BroadcastId id = gossip_of(1).id;
  ASSERT_TRUE(broadcast.receive(test_id(2), IHave{{id}, {4}}, at(0s)));
  ASSERT_TRUE(broadcast.receive(test_id(3), IHave{{id}, {4}}, at(10ms)));
  broadcast.tick(at(limits::graft_delay_first - 1ms), effects);
  EXPECT_TRUE(sent<Graft>(effects).empty());
  broadcast.tick(at(limits::graft_delay_first), effects);
  ASSERT_EQ(sent_to<Graft>(effects).size(), 1U);
  EXPECT_EQ(sent_to<Graft>(effects)[0].first, test_id(2));
  effects.items.clear();
  broadcast.tick(at(limits::graft_delay_first + limits::graft_delay_next), effects);
  ASSERT_EQ(sent_to<Graft>(effects).size(), 1U);
  EXPECT_EQ(sent_to<Graft>(effects)[0].first, test_id(3)) << "another source is asked next";
}

TEST(Broadcast, WaitsThreeRoundTripsOfASlowPeerBeforeItGrafts) {
  Broadcast broadcast = with_neighbours(2);
  broadcast.set_round_trip(test_id(2), 400ms);
  ASSERT_TRUE(broadcast.receive(test_id(2), IHave{{gossip_of(1).id}, {4}}, at(0s)));
  EXPECT_EQ(broadcast.next_deadline(), at(1200ms));
}

TEST(Broadcast, DoesNotGraftWhatArrivedInTime) {
  Broadcast broadcast = with_neighbours(2);
  Effects effects;
  ASSERT_TRUE(broadcast.receive(test_id(2), IHave{{gossip_of(1).id}, {1}}, at(0s)));
  deliver(broadcast, 1, gossip_of(1), effects);
  broadcast.tick(at(limits::graft_delay_first), effects);
  EXPECT_TRUE(sent<Graft>(effects).empty());
}

TEST(Broadcast, AnswersAGraftFromTheCache) {
  Broadcast broadcast = with_neighbours(2);
  Effects effects;
  deliver(broadcast, 1, gossip_of(1), effects);
  effects.items.clear();
  ASSERT_TRUE(broadcast.receive(test_id(2), Graft{gossip_of(1).id}, at(1s), effects));
  ASSERT_EQ(sent<Gossip>(effects).size(), 1U);
  EXPECT_EQ(sent<Gossip>(effects)[0].body, body_of(1));
}

TEST(Broadcast, ForgetsBodiesAfterAMinuteAndNamesAfterTwo) {
  Broadcast broadcast = with_neighbours(2);
  Effects effects;
  deliver(broadcast, 1, gossip_of(1), effects);
  broadcast.tick(at(limits::broadcast_cache_time), effects);
  EXPECT_EQ(broadcast.cached_bytes(), 0U);
  EXPECT_EQ(broadcast.receive(test_id(2), gossip_of(1), effects), false);
  broadcast.tick(at(limits::broadcast_id_time), effects);
  EXPECT_EQ(broadcast.remembered_ids(), 0U);
  EXPECT_EQ(broadcast.next_deadline(), Instant::never());
}

TEST(Broadcast, PrefersAPathShorterByTheThreshold) {
  Broadcast broadcast = with_neighbours(3);
  Effects effects;
  Gossip gossip = gossip_of(1);
  gossip.hops = 9;
  ASSERT_TRUE(broadcast.receive(test_id(2), IHave{{gossip.id}, {2}}, at(0s)));
  deliver(broadcast, 1, gossip, effects);
  ASSERT_EQ(sent_to<Graft>(effects).size(), 1U);
  EXPECT_EQ(sent_to<Graft>(effects)[0].first, test_id(2));
  ASSERT_EQ(sent_to<Prune>(effects).size(), 1U);
  EXPECT_EQ(sent_to<Prune>(effects)[0].first, test_id(1));
}

TEST(Broadcast, RejectsABodyUnderAnothersName) {
  Broadcast broadcast = with_neighbours(2);
  Effects effects;
  Gossip forged = gossip_of(1);
  forged.body = body_of(2);
  const auto handled = broadcast.receive(test_id(1), forged, effects);
  ASSERT_FALSE(handled);
  EXPECT_EQ(handled.error(), RejectReason::bad_payload);
  EXPECT_EQ(broadcast.receive(test_id(2), gossip_of(1), effects), true);
}

TEST(Broadcast, RejectsAnOversizedBodyAndAStranger) {
  Broadcast broadcast = with_neighbours(1);
  Effects effects;
  EXPECT_EQ(broadcast.receive(test_id(1), gossip_of(1, limits::gossip_bytes_max + 1), effects),
            std::unexpected(RejectReason::too_large));
  EXPECT_EQ(broadcast.receive(test_id(9), gossip_of(1), effects),
            std::unexpected(RejectReason::unexpected));
}

TEST(Broadcast, StaysBoundedUnderAFloodOfAnnouncements) {
  Broadcast broadcast = with_neighbours(2);
  std::size_t refused = 0;
  for (std::size_t i = 0; i < 1000; ++i) {
    IHave have;
    for (std::size_t j = 0; j < limits::ihave_ids_max; ++j) {
      have.ids.push_back(gossip_of(i * limits::ihave_ids_max + j).id);
      have.hops.push_back(1);
    }
    const Instant now = at(i * 10ms);
    if (const auto handled = broadcast.receive(test_id(1), have, now); !handled) {
      EXPECT_EQ(handled.error(), RejectReason::flood);
      ++refused;
    }
  }
  EXPECT_GT(refused, 0U);
  EXPECT_LE(broadcast.missing(), limits::missing_broadcasts_max);
}

TEST(Broadcast, CapsTheGraftsOfAPeer) {
  Broadcast broadcast = with_neighbours(1);
  Effects effects;
  for (std::size_t i = 0; i < limits::grafts_per_interval_max; ++i) {
    ASSERT_TRUE(broadcast.receive(test_id(1), Graft{}, at(2s), effects));
  }
  EXPECT_FALSE(broadcast.receive(test_id(1), Graft{}, at(2s), effects));
  EXPECT_TRUE(broadcast.receive(test_id(1), Graft{}, at(4s), effects));
}

TEST(Broadcast, KeepsTheCacheWithinItsBytes) {
  Broadcast broadcast;
  Effects effects;
  const std::size_t bodies = limits::broadcast_cache_bytes_max / limits::gossip_bytes_max + 100;
  for (std::size_t i = 0; i < bodies; ++i) {
    broadcast.broadcast(body_of(i, limits::gossip_bytes_max), Haste::at_once, at(0s), effects);
  }
  EXPECT_EQ(broadcast.cached_bytes(), limits::broadcast_cache_bytes_max);
}

// --- Bodies that can wait ---

/// Peers 1 and 2 are eager, 3 is lazy.
Broadcast gathering() {
  Broadcast broadcast = with_neighbours(3);
  EXPECT_TRUE(broadcast.receive(test_id(3), Prune{}));
  broadcast.set_gather_time(500ms);
  return broadcast;
}

TEST(Broadcast, GathersWhatCanWaitAndNothingElse) {
  Broadcast broadcast = gathering();
  Effects effects;
  broadcast.broadcast(body_of(1), Haste::can_wait, at(0s), effects);
  broadcast.broadcast(body_of(2), Haste::can_wait, at(100ms), effects);
  EXPECT_TRUE(effects.items.empty());
  broadcast.broadcast(body_of(3), Haste::at_once, at(200ms), effects);
  EXPECT_EQ(sent_to<Gossip>(effects).size(), 2U);
  effects.items.clear();
  EXPECT_EQ(broadcast.next_deadline(), at(200ms + limits::ihave_batch_interval));
  broadcast.tick(at(500ms), effects);
  const auto batches = sent_to<GossipBatch>(effects);
  ASSERT_EQ(batches.size(), 2U);
  EXPECT_EQ(batches[0].first, test_id(1));
  EXPECT_EQ(batches[0].second.bodies.size(), 2U);
  const auto announced = sent_to<IHave>(effects);
  ASSERT_EQ(announced.size(), 2U);
  EXPECT_EQ(announced[0].second.ids.size() + announced[1].second.ids.size(), 3U);
}

TEST(Broadcast, WhatCameInABatchGoesOnInABatch) {
  Broadcast broadcast = gathering();
  Effects effects;
  ASSERT_EQ(broadcast.receive(test_id(1), gossip_of(1), effects), true);
  broadcast.accept(test_id(1), gossip_of(1), Haste::can_wait, at(0s), effects);
  EXPECT_TRUE(effects.items.empty());
  ASSERT_TRUE(broadcast.receive(test_id(3), Graft{gossip_of(1).id}, at(100ms), effects));
  ASSERT_EQ(sent<GossipBatch>(effects).size(), 1U);
  effects.items.clear();
  broadcast.tick(at(500ms), effects);
  const auto batches = sent_to<GossipBatch>(effects);
  ASSERT_EQ(batches.size(), 1U) << "not back, and not again to whoever has grafted it";
  EXPECT_EQ(batches[0].first, test_id(2));
}

TEST(Broadcast, WhatIsGatheredShapesTheTreeOnlyWhereNothingElseDoes) {
  Broadcast broadcast = gathering();
  Effects effects;
  const auto take_twice = [&](const Gossip& gossip) {
    ASSERT_EQ(broadcast.receive(test_id(1), gossip, effects), true);
    broadcast.accept(test_id(1), gossip, Haste::can_wait, at(0s), effects);
    EXPECT_EQ(broadcast.receive(test_id(2), gossip, effects), false);
  };
  take_twice(gossip_of(1));
  EXPECT_EQ(sent<Prune>(effects).size(), 1U);
  effects.items.clear();
  broadcast.broadcast(body_of(2), Haste::at_once, at(0s), effects);
  for (std::size_t i = 3; i < 10; ++i) take_twice(gossip_of(i));
  EXPECT_TRUE(sent<Prune>(effects).empty()) << "it may have waited longer on the better link";
}

TEST(Broadcast, WithoutAGatherTimeWhatCanWaitGoesAtOnce) {
  Broadcast broadcast = with_neighbours(2);
  Effects effects;
  broadcast.broadcast(body_of(1), Haste::can_wait, at(0s), effects);
  EXPECT_EQ(sent<Gossip>(effects).size(), 2U);
}

TEST(Broadcast, IsMorePatientForBodiesThatAreGathered) {
  Broadcast broadcast = gathering();
  Effects effects;
  ASSERT_TRUE(broadcast.receive(
      test_id(3), IHave{.ids = {gossip_of(1).id}, .hops = {1}, .can_wait = true}, at(0s)));
  broadcast.tick(at(1500ms), effects);
  EXPECT_TRUE(sent<Graft>(effects).empty());
  broadcast.tick(at(1500ms + limits::graft_delay_first), effects);
  EXPECT_EQ(sent<Graft>(effects).size(), 1U);
}

}  // namespace
}  // namespace starling::protocol
