// Plumtree: how a swarm spreads bodies.

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "protocol/overlay/broadcast.h"
#include "protocol/wire/announcement.h"
#include "tests/support/overlay_node.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::add_swarm;
using testing::OverlayNetwork;
using testing::OverlayNode;

Bytes body_of(std::size_t number) {
  Bytes body(100);
  for (std::size_t i = 0; i < 8; ++i) body[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return body;
}

Gossip gossip_of(std::size_t number) {
  return {.id = broadcast_id_of(body_of(number)), .hops = 1, .body = body_of(number)};
}

bool is_broadcast_message(const Message& message) {
  return std::holds_alternative<Gossip>(message) || std::holds_alternative<IHave>(message) ||
         std::holds_alternative<Graft>(message) || std::holds_alternative<Prune>(message) ||
         std::holds_alternative<GossipBatch>(message);
}

void broadcast_from(OverlayNetwork& network, std::size_t node, const Bytes& body,
                    Haste haste = Haste::at_once) {
  network.with(node, [&body, haste](OverlayNode& sender, Instant now, Effects& effects) {
    sender.broadcast.broadcast(body, haste, now, effects);
  });
}

/// Sends `count` bodies from changing nodes, `pause` apart, then waits 10 s.
std::set<BroadcastId> broadcast_many(OverlayNetwork& network, std::size_t first, std::size_t count,
                                     Duration pause = 100ms) {
  std::set<BroadcastId> bodies;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t node = (7 * i) % network.size();
    while (!network.is_alive(node)) node = (node + 1) % network.size();
    bodies.insert(gossip_of(first + i).id);
    broadcast_from(network, node, body_of(first + i));
    network.run_for(pause);
  }
  network.run_for(10s);
  return bodies;
}

/// How many (living node, body) pairs lack a delivery; a body counts as known to its sender.
std::size_t undelivered(OverlayNetwork& network, const std::set<BroadcastId>& bodies) {
  std::size_t delivered = 0;
  std::size_t alive = 0;
  for (std::size_t i = 0; i < network.size(); ++i) {
    if (!network.is_alive(i)) continue;
    ++alive;
    const auto& all = network.node(i).delivered;
    const std::set<BroadcastId> distinct(all.begin(), all.end());
    EXPECT_EQ(distinct.size(), all.size()) << "delivered twice at node " << i;
    for (const BroadcastId& id : bodies) delivered += distinct.contains(id);
  }
  return (alive - 1) * bodies.size() - delivered;
}

TEST(BroadcastSwarm, ReachesEveryoneWithFewCopiesOnceTheTreeHasSettled) {
  OverlayNetwork network({.seed = 21});
  add_swarm(network, 50);
  network.run_for(40s);
  EXPECT_EQ(undelivered(network, broadcast_many(network, 0, 30, 1s)), 0U);
  const auto copies = [&network] {
    BroadcastCounters sum;
    for (std::size_t i = 0; i < network.size(); ++i) {
      sum.delivered += network.node(i).broadcast.counters().delivered;
      sum.duplicates += network.node(i).broadcast.counters().duplicates;
    }
    return sum;
  };
  const BroadcastCounters before = copies();
  EXPECT_EQ(undelivered(network, broadcast_many(network, 1000, 100, 1s)), 0U);
  const BroadcastCounters after = copies();
  const double delivered = static_cast<double>(after.delivered - before.delivered);
  const double redundancy = static_cast<double>(after.duplicates - before.duplicates) / delivered;
  RecordProperty("copies_per_delivery", std::to_string(1 + redundancy));
  EXPECT_LE(1 + redundancy, 1.3);
}

TEST(BroadcastSwarm, ReachesEveryoneAlthoughAFifthOfItsMessagesIsLost) {
  OverlayNetwork network({.seed = 22, .can_be_lost = is_broadcast_message});
  add_swarm(network, 40);
  network.run_for(30s);
  network.set_loss(0.2);
  EXPECT_EQ(undelivered(network, broadcast_many(network, 0, 100)), 0U);
}

TEST(BroadcastSwarm, GatheredBodiesReachEveryoneInFewerMessagesAlthoughSomeAreLost) {
  std::size_t messages = 0;
  OverlayNetwork network({.seed = 26, .can_be_lost = [&messages](const Message& message) {
                            messages += is_broadcast_message(message) ? 1 : 0;
                            return is_broadcast_message(message);
                          }});
  add_swarm(network, 40);
  network.run_for(30s);
  network.set_loss(0.1);
  std::size_t number = 0;
  const auto messages_of_a_burst = [&](Haste haste) {
    std::set<BroadcastId> bodies;
    messages = 0;
    for (std::size_t node = 0; node < network.size(); ++node) {
      broadcast_from(network, node, body_of(++number), haste);
      bodies.insert(gossip_of(number).id);
    }
    network.run_for(20s);
    EXPECT_EQ(undelivered(network, bodies), 0U);
    return messages;
  };
  const std::size_t at_once = messages_of_a_burst(Haste::at_once);
  for (std::size_t node = 0; node < network.size(); ++node) {
    network.node(node).broadcast.set_gather_time(500ms);
  }
  EXPECT_LT(messages_of_a_burst(Haste::can_wait), at_once / 2);
}

TEST(BroadcastSwarm, ReachesTheSurvivorsOfACrashOfAThird) {
  OverlayNetwork network({.seed = 23});
  add_swarm(network, 50);
  network.run_for(30s);
  broadcast_many(network, 0, 20);
  for (std::size_t i = 0; i < 15; ++i) network.crash(3 * i + 2);
  EXPECT_EQ(undelivered(network, broadcast_many(network, 1000, 20)), 0U);
}

TEST(BroadcastSwarm, AJoinerLearnsWhatWasSaidInTheLastMinute) {
  OverlayNetwork network({.seed = 24});
  add_swarm(network, 10);
  network.run_for(10s);
  const std::set<BroadcastId> bodies = broadcast_many(network, 0, 50);
  add_swarm(network, 1);
  network.run_for(10s);
  EXPECT_EQ(network.node(10).delivered.size(), bodies.size());
}

TEST(BroadcastSwarm, HalvesLearnWhatTheOtherSaidWhenASplitHeals) {
  OverlayNetwork network({.seed = 25});
  add_swarm(network, 8, 0.1);
  network.run_for(10s);
  network.split([](std::size_t i) { return static_cast<int>(i % 2); });
  network.run_for(5s);
  broadcast_from(network, 0, body_of(1));
  broadcast_from(network, 1, body_of(2));
  network.heal();
  network.run_for(30s);
  EXPECT_EQ(undelivered(network, {gossip_of(1).id, gossip_of(2).id}), 0U);
}

}  // namespace
}  // namespace starling::protocol
