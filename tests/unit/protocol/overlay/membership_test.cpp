// HyParView: what one machine answers, and what a swarm of them becomes.

#include "protocol/overlay/membership.h"

#include <gtest/gtest.h>

#include "protocol/limits.h"
#include "tests/support/effects_view.h"
#include "tests/support/instants.h"
#include "tests/support/overlay_node.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::add_swarm;
using testing::at;
using testing::count_of;
using testing::OverlayNetwork;
using testing::OverlayNode;
using testing::reachable_from;
using testing::sent;
using testing::test_id;
using testing::test_record;

/// A node 0 with `count` neighbours 1..count that dialled it.
Membership with_neighbours(std::size_t count, Effects& effects) {
  Membership membership({.self = test_record(0), .seed = 7, .interval_scale = 1, .pinned = {}});
  membership.start({}, at(0s), effects);
  for (std::size_t i = 1; i <= count; ++i) {
    membership.link_up({.id = test_id(i), .address = {}}, false, at(0s), effects);
    EXPECT_TRUE(membership.receive(
        test_id(i), NeighbourRequest{.sender = test_record(i), .high_priority = false}, at(0s),
        effects));
  }
  EXPECT_EQ(membership.neighbours().size(), count);
  effects.items.clear();
  (void)membership.take_changes();
  return membership;
}

// --- One machine ---

TEST(Membership, JoinsThroughAContactWhoseNameItDoesNotKnow) {
  Membership membership({.self = test_record(0), .seed = 1, .interval_scale = 1, .pinned = {}});
  Effects effects;
  membership.start({{.id = {}, .address = "node1:1"}}, at(0s), effects);
  ASSERT_EQ(count_of<Dial>(effects), 1U);
  EXPECT_TRUE(membership.isolated());
  membership.link_up(test_record(1), true, at(1s), effects);
  ASSERT_EQ(sent<Join>(effects).size(), 1U);
  EXPECT_TRUE(membership.neighbours().empty()) << "a link is not a neighbour";
  ASSERT_TRUE(membership.receive(test_id(1), NeighbourReply{true}, at(1s), effects));
  EXPECT_EQ(membership.neighbours(), std::vector{test_id(1)});
  const auto changes = membership.take_changes();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_TRUE(changes[0].up);
}

TEST(Membership, RefusesARequestWithoutPriorityWhenTheViewIsFull) {
  Effects effects;
  Membership membership = with_neighbours(limits::active_view_peers_max, effects);
  membership.link_up({.id = test_id(20), .address = {}}, false, at(1s), effects);
  ASSERT_TRUE(
      membership.receive(test_id(20), NeighbourRequest{test_record(20), false}, at(1s), effects));
  ASSERT_EQ(sent<NeighbourReply>(effects).size(), 1U);
  EXPECT_FALSE(sent<NeighbourReply>(effects)[0].accepted);
  EXPECT_FALSE(membership.is_neighbour(test_id(20)));
}

TEST(Membership, MakesRoomForARequestWithPriorityAndTellsTheOneThatLeaves) {
  Effects effects;
  Membership membership = with_neighbours(limits::active_view_peers_max, effects);
  membership.link_up({.id = test_id(20), .address = {}}, false, at(1s), effects);
  ASSERT_TRUE(
      membership.receive(test_id(20), NeighbourRequest{test_record(20), true}, at(1s), effects));
  EXPECT_TRUE(membership.is_neighbour(test_id(20)));
  EXPECT_EQ(membership.neighbours().size(), limits::active_view_peers_max);
  EXPECT_EQ(sent<LeaveView>(effects).size(), 1U);
  EXPECT_EQ(membership.take_changes().size(), 2U);
}

TEST(Membership, EvictsAPeerThatDialledUsRatherThanOneWeDialled) {
  Effects effects;
  Membership membership = with_neighbours(limits::active_view_peers_max - 1, effects);
  membership.link_up(test_record(30), true, at(1s), effects);
  ASSERT_TRUE(
      membership.receive(test_id(30), NeighbourRequest{test_record(30), false}, at(1s), effects));
  for (std::size_t i = 40; i < 60; ++i) {
    membership.link_up({.id = test_id(i), .address = {}}, false, at(1s), effects);
    ASSERT_TRUE(
        membership.receive(test_id(i), NeighbourRequest{test_record(i), true}, at(1s), effects));
  }
  EXPECT_TRUE(membership.is_neighbour(test_id(30)));
}

TEST(Membership, SpreadsAJoinOnceForEachLink) {
  Effects effects;
  Membership membership = with_neighbours(4, effects);
  membership.link_up({.id = test_id(20), .address = {}}, false, at(1s), effects);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(membership.receive(test_id(20), Join{test_record(20)}, at(1s), effects));
  }
  EXPECT_EQ(sent<ForwardJoin>(effects).size(), 4U);
}

TEST(Membership, BlamesAPeerThatIntroducesItselfUnderAnotherName) {
  Effects effects;
  Membership membership = with_neighbours(1, effects);
  const auto handled = membership.receive(test_id(1), Join{test_record(2)}, at(1s), effects);
  ASSERT_FALSE(handled);
  EXPECT_EQ(handled.error(), RejectReason::unexpected);
  EXPECT_TRUE(sent<ForwardJoin>(effects).empty());
}

TEST(Membership, RejectsWalksAndSamplesAboveTheirLimits) {
  Effects effects;
  Membership membership = with_neighbours(2, effects);
  const auto far = static_cast<std::uint8_t>(limits::active_walk_hops + 1);
  EXPECT_FALSE(membership.receive(test_id(1), ForwardJoin{test_record(9), far}, at(1s), effects));
  EXPECT_FALSE(membership.receive(test_id(1), Shuffle{test_record(9), far, {}}, at(1s), effects));
  std::vector<PeerRecord> many;
  for (std::size_t i = 0; i <= limits::shuffle_peers_max; ++i) many.push_back(test_record(20 + i));
  EXPECT_FALSE(membership.receive(test_id(1), ShuffleReply{many}));
  EXPECT_TRUE(membership.passive_view().empty());
}

TEST(Membership, IgnoresHostileRecords) {
  Effects effects;
  Membership membership = with_neighbours(1, effects);
  const std::size_t known = membership.address_book().size();
  ASSERT_TRUE(membership.receive(test_id(1),
                                 ShuffleReply{{{.id = {}, .address = "zero:1"},
                                               {.id = test_id(0), .address = "self:1"},
                                               {.id = test_id(7), .address = ""},
                                               {.id = test_id(8), .address = std::string(256, 'x')},
                                               test_record(9),
                                               test_record(9)}}));
  ASSERT_EQ(membership.passive_view().size(), 1U);
  EXPECT_EQ(membership.passive_view()[0], test_record(9));
  EXPECT_EQ(membership.address_book().size(), known + 1);
}

TEST(Membership, HearsayDoesNotMoveAPeerThatIsReachable) {
  Effects effects;
  Membership membership = with_neighbours(1, effects);
  ASSERT_TRUE(membership.receive(
      test_id(1), ShuffleReply{{test_record(9), {.id = test_id(1), .address = "lie:1"}}}));
  EXPECT_EQ(membership.find(test_id(1)), test_record(1));
}

TEST(Membership, StaysBoundedUnderAFloodOfRecords) {
  Effects effects;
  Membership membership = with_neighbours(1, effects);
  for (std::size_t i = 0; i < 5000; ++i) {
    ASSERT_TRUE(membership.receive(test_id(1), ShuffleReply{{test_record(100 + i)}}));
    ASSERT_TRUE(
        membership.receive(test_id(1), ForwardJoin{test_record(10'000 + i), 0}, at(1s), effects));
  }
  EXPECT_EQ(membership.passive_view().size(), limits::passive_view_peers_max);
  EXPECT_EQ(membership.address_book().size(), limits::address_book_peers_max);
  EXPECT_LE(count_of<Dial>(effects), limits::dials_pending_max);
}

TEST(Membership, GivesUpAPeerThatDoesNotAnswerItsRequestInTime) {
  Membership membership({.self = test_record(0), .seed = 1, .interval_scale = 1, .pinned = {}});
  Effects effects;
  membership.start({test_record(1)}, at(0s), effects);
  membership.link_up(test_record(1), true, at(0s), effects);
  effects.items.clear();
  membership.tick(at(limits::neighbour_reply_time_max), effects);
  EXPECT_EQ(count_of<HangUp>(effects), 1U);
}

TEST(Membership, RedialsALostContactWithGrowingPauses) {
  Membership membership({.self = test_record(0), .seed = 1, .interval_scale = 1, .pinned = {}});
  Effects effects;
  membership.start({{.id = {}, .address = "node1:1"}}, at(0s), effects);
  std::vector<Instant> dialled;
  Instant now;
  for (int i = 0; i < 400; ++i) {
    if (count_of<Dial>(effects) > 0) {
      dialled.push_back(now);
      effects.items.clear();
      membership.dial_failed({.id = {}, .address = "node1:1"}, now, effects);
    }
    now = membership.next_deadline();
    membership.tick(now, effects);
  }
  ASSERT_GE(dialled.size(), 6U);
  EXPECT_TRUE(membership.isolated());
  EXPECT_LE(dialled[1] - dialled[0], 1500ms);
  EXPECT_GT(dialled[5] - dialled[4], 4 * (dialled[2] - dialled[1]));
  EXPECT_LE(dialled.back() - dialled[dialled.size() - 2], 61s);
}

TEST(Membership, HangsUpOnAStrangerUnlessToldToKeepThem) {
  Effects effects;
  Membership membership = with_neighbours(1, effects);
  membership.link_up({.id = test_id(20), .address = {}}, false, at(0s), effects);
  membership.hold_links(true);
  membership.tick(at(limits::stranger_link_time_max), effects);
  EXPECT_EQ(count_of<HangUp>(effects), 0U);
  membership.hold_links(false);
  membership.tick(at(2 * limits::stranger_link_time_max), effects);
  EXPECT_EQ(count_of<HangUp>(effects), 1U);
}

// --- A swarm ---

TEST(MembershipSwarm, NineNodesFromOneTicketAreFullyConnectedWithinTenSeconds) {
  OverlayNetwork network({.seed = 11});
  add_swarm(network, 9);
  network.run_for(10s);
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_EQ(network.node(i).membership.neighbours().size(), 8U) << "node " << i;
  }
}

TEST(MembershipSwarm, FiftyNodesFromOneTicketFormOneConnectedOverlay) {
  OverlayNetwork network({.seed = 12});
  add_swarm(network, 50);
  network.run_for(30s);
  EXPECT_EQ(reachable_from(network, 0), 50U);
  for (std::size_t i = 0; i < 50; ++i) {
    const auto& membership = network.node(i).membership;
    EXPECT_GE(membership.neighbours().size(), limits::active_view_peers_refill) << "node " << i;
    EXPECT_LE(membership.neighbours().size(), limits::active_view_peers_max) << "node " << i;
  }
}

TEST(MembershipSwarm, NeighboursAgreeThatTheyAreNeighbours) {
  OverlayNetwork network({.seed = 13});
  add_swarm(network, 40);
  network.run_for(100s);
  std::size_t one_sided = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    for (std::size_t j = 0; j < 40; ++j) {
      one_sided += network.node(i).membership.is_neighbour(test_id(j)) &&
                   !network.node(j).membership.is_neighbour(test_id(i));
    }
  }
  EXPECT_EQ(one_sided, 0U);
}

TEST(MembershipSwarm, SurvivorsOfASuddenCrashOfAThirdAreConnectedAgain) {
  OverlayNetwork network({.seed = 14});
  add_swarm(network, 50);
  network.run_for(60s);
  for (std::size_t i = 0; i < 15; ++i) network.crash(3 * i + 1);
  network.run_for(5s);
  EXPECT_EQ(reachable_from(network, 0), 35U);
  for (std::size_t i = 0; i < 50; ++i) {
    if (!network.is_alive(i)) continue;
    EXPECT_GE(network.node(i).membership.neighbours().size(), limits::active_view_peers_refill);
  }
}

TEST(MembershipSwarm, APeerThatDiesSilentlyIsFoundOut) {
  OverlayNetwork network({.seed = 15});
  add_swarm(network, 6);
  network.run_for(10s);
  network.crash(3, true);
  network.run_for(60s);
  for (std::size_t i = 0; i < 6; ++i) {
    if (i == 3) continue;
    EXPECT_FALSE(network.node(i).membership.is_neighbour(test_id(3))) << "node " << i;
  }
}

TEST(MembershipSwarm, AnIsolatedNodeSaysSoAndComesBackFromItsAddressBook) {
  OverlayNetwork network({.seed = 16});
  add_swarm(network, 20);
  network.run_for(30s);
  network.split([](std::size_t i) { return i == 5 ? 1 : 0; });
  network.run_for(300s);
  EXPECT_TRUE(network.node(5).membership.isolated());
  network.crash(0);  // even the ticket's address is gone
  network.heal();
  network.run_for(75s);  // redial_delay_max and a few seconds
  EXPECT_FALSE(network.node(5).membership.isolated());
  EXPECT_EQ(reachable_from(network, 5), 19U);
}

TEST(MembershipSwarm, TwoHalvesThatCanReachEachOtherAgainBecomeOne) {
  OverlayNetwork network({.seed = 17});
  add_swarm(network, 40);
  network.run_for(60s);
  network.split([](std::size_t i) { return static_cast<int>(i % 2); });
  network.run_for(300s);
  EXPECT_EQ(reachable_from(network, 0), 20U);
  EXPECT_EQ(reachable_from(network, 1), 20U);
  network.heal();
  network.run_for(2 * limits::probe_interval);
  EXPECT_EQ(reachable_from(network, 0), 40U);
}

TEST(MembershipSwarm, APinnedRingIsExactlyThatRing) {
  constexpr std::size_t count = 12;
  OverlayNetwork network({.seed = 18});
  const auto ring = [](std::size_t i) {
    return std::vector{test_record((i + 1) % count), test_record((i + count - 1) % count)};
  };
  for (std::size_t i = 0; i < count; ++i) {
    network.add(std::make_unique<OverlayNode>(MembershipOptions{
        .self = test_record(i), .seed = i, .interval_scale = 1, .pinned = ring(i)}));
    network.with(i, [](OverlayNode& node, Instant now, Effects& effects) {
      node.start({{.id = {}, .address = test_record(0).address}}, now, effects);
    });
  }
  network.run_for(60s);
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<NodeId> expected;
    for (const PeerRecord& peer : ring(i)) expected.push_back(peer.id);
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(network.node(i).membership.neighbours(), expected) << "node " << i;
  }
  EXPECT_TRUE(network.node(0).membership.find(test_id(6))) << "addresses spread all the same";
}

TEST(MembershipSwarm, TheSameSeedGivesTheSameOverlay) {
  const auto overlay = [] {
    OverlayNetwork network({.seed = 19});
    add_swarm(network, 30);
    network.run_for(40s);
    std::vector<std::vector<NodeId>> views;
    for (std::size_t i = 0; i < 30; ++i) views.push_back(network.node(i).membership.neighbours());
    return views;
  };
  EXPECT_EQ(overlay(), overlay());
}

}  // namespace
}  // namespace starling::protocol
