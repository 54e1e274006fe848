// The set of votes becomes equal on all nodes of a simulated swarm.

#include <gtest/gtest.h>

#include "protocol/ledger/ledger_sync.h"
#include "tests/support/overlay_node.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::add_swarm;
using testing::OverlayNetwork;
using testing::OverlayNode;

void cast_votes(OverlayNetwork& network, std::uint64_t rounds) {
  for (std::uint64_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < network.size(); ++i) {
      network.with(i, [&](OverlayNode& node, Instant now, Effects& effects) {
        node.cast_vote({.author = i,
                        .packet = {.packet = round,
                                   .step = round,
                                   .replica_step = round,
                                   .first_probe = 0,
                                   .codes = {}}},
                       now, effects);
      });
    }
    network.run_for(100ms);
  }
}

void expect_all_hold(OverlayNetwork& network, std::size_t authors, std::uint64_t packets) {
  for (std::size_t i = 0; i < network.size(); ++i) {
    const auto vector = network.node(i).ledger.version_vector();
    EXPECT_EQ(vector.size(), authors) << "node " << i;
    for (const VoteCount& count : vector) EXPECT_EQ(count.packets, packets) << "node " << i;
    EXPECT_EQ(network.node(i).votes_applied, authors * packets) << "node " << i;
  }
}

TEST(LedgerSyncSwarm, ConvergesAlthoughHalfOfAllVoteMessagesIsLost) {
  const auto is_vote_message = [](const Message& message) {
    return std::holds_alternative<Gossip>(message) || std::holds_alternative<VoteVector>(message) ||
           std::holds_alternative<VoteRange>(message) ||
           std::holds_alternative<VoteRangeRequest>(message) ||
           std::holds_alternative<IHave>(message);
  };
  OverlayNetwork network({.seed = 31, .can_be_lost = is_vote_message});
  add_swarm(network, 20);
  network.run_for(20s);
  network.set_loss(0.5);
  cast_votes(network, 30);
  network.run_for(400s);
  expect_all_hold(network, 20, 30);
}

TEST(LedgerSyncSwarm, AJoinerFetchesTheWholeHistory) {
  OverlayNetwork network({.seed = 32});
  add_swarm(network, 8);
  network.run_for(10s);
  cast_votes(network, 100);
  network.run_for(200s);  // every broadcast has left the caches
  add_swarm(network, 1);
  network.run_for(20s);
  expect_all_hold(network, 8, 100);
}

TEST(LedgerSyncSwarm, KnowsOfTheAgreementSoonAfterSyncNow) {
  OverlayNetwork network({.seed = 33});
  add_swarm(network, 8);
  network.run_for(10s);
  cast_votes(network, 20);
  network.run_for(2s);
  for (std::size_t i = 0; i < 8; ++i) {
    network.with(
        i, [](OverlayNode& node, Instant, Effects& effects) { node.ledger.sync_now(effects); });
  }
  network.run_for(1s);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_TRUE(network.node(i).ledger.agrees_with_neighbours()) << "node " << i;
  }
}

}  // namespace
}  // namespace starling::protocol
