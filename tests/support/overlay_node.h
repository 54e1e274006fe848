#pragma once
// Membership, failure detector, broadcast and ledger wired together as a node wires them, for
// tests on a VirtualNetwork.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "protocol/ledger/ledger_sync.h"
#include "protocol/overlay/broadcast.h"
#include "protocol/overlay/failure_detector.h"
#include "protocol/overlay/membership.h"
#include "protocol/overlay/peer_score.h"
#include "tests/support/virtual_network.h"

namespace starling::testing {

/// Stands for a signed vote announcement: the tests of the ledger need no signatures.
struct TestVote {
  std::size_t author = 0;  ///< The number of the test node.
  protocol::VotePacket packet;

  [[nodiscard]] Bytes bytes() const {
    const std::string text = "vote " + std::to_string(author) + " " + std::to_string(packet.packet);
    return {text.begin(), text.end()};
  }
  /// Nothing if the bytes are no vote.
  [[nodiscard]] static std::optional<TestVote> from_bytes(const Bytes& bytes) {
    std::istringstream text(std::string(bytes.begin(), bytes.end()));
    std::string word;
    TestVote vote;
    if (!(text >> word >> vote.author >> vote.packet.packet) || word != "vote") return std::nullopt;
    vote.packet.step = vote.packet.packet;
    vote.packet.replica_step = vote.packet.packet;
    return vote;
  }
};

class OverlayNode {
 public:
  explicit OverlayNode(protocol::MembershipOptions options)
      : record_(options.self),
        membership(options),
        detector({.seed = options.seed + 1, .interval_scale = options.interval_scale}),
        ledger({.seed = options.seed + 2, .interval_scale = options.interval_scale}) {}

 private:
  protocol::PeerRecord record_;

 public:
  protocol::Membership membership;
  protocol::FailureDetector detector;
  protocol::Broadcast broadcast;
  protocol::LedgerSync ledger;
  protocol::PeerScore score;
  std::vector<protocol::BroadcastId> delivered;
  std::size_t votes_applied = 0;

  /// Casts this node's next vote: into the own ledger and to everyone.
  void cast_vote(const TestVote& vote, Instant now, protocol::Effects& effects) {
    take_vote(vote.bytes());
    broadcast.broadcast(vote.bytes(), protocol::Haste::at_once, now, effects);
  }

  [[nodiscard]] const protocol::PeerRecord& record() const { return record_; }

  void start(const std::vector<protocol::PeerRecord>& contacts, Instant now,
             protocol::Effects& effects) {
    membership.start(contacts, now, effects);
  }
  void link_up(const protocol::PeerRecord& peer, bool dialled_by_us, Instant now,
               protocol::Effects& effects) {
    membership.link_up(peer, dialled_by_us, now, effects);
    settle(now, effects);
  }
  void link_down(const NodeId& peer, protocol::CloseReason reason, Instant now,
                 protocol::Effects& effects) {
    membership.link_down(peer, reason, now, effects);
    settle(now, effects);
  }
  void dial_failed(const protocol::PeerRecord& peer, Instant now, protocol::Effects& effects) {
    membership.dial_failed(peer, now, effects);
    settle(now, effects);
  }
  void receive(const NodeId& from, const protocol::Message& message, Instant now,
               protocol::Effects& effects) {
    std::visit([&](const auto& content) { route(from, content, now, effects); }, message);
    settle(now, effects);
  }
  [[nodiscard]] Instant next_deadline() const {
    return std::min({membership.next_deadline(), detector.next_deadline(),
                     broadcast.next_deadline(), ledger.next_deadline()});
  }
  void tick(Instant now, protocol::Effects& effects) {
    membership.tick(now, effects);
    detector.tick(now, effects);
    broadcast.tick(now, effects);
    ledger.tick(now, effects);
    settle(now, effects);
  }

 private:
  template <class Content>
  void route(const NodeId& from, const Content& content, Instant now, protocol::Effects& effects) {
    if constexpr (requires { membership.receive(from, content, now, effects); }) {
      judge(from, membership.receive(from, content, now, effects), now);
    } else if constexpr (requires { membership.receive(from, content); }) {
      judge(from, membership.receive(from, content), now);
    } else if constexpr (requires { detector.receive(from, content, now, effects); }) {
      detector.receive(from, content, now, effects);
    } else if constexpr (requires { ledger.receive(from, content, now, effects); }) {
      judge(from, ledger.receive(from, content, now, effects), now);
    } else {
      route_rest(from, content, now, effects);
    }
  }
  void route_rest(const NodeId& from, const protocol::Gossip& gossip, Instant now,
                  protocol::Effects& effects) {
    take_gossip(from, gossip, protocol::Haste::at_once, now, effects);
  }
  void route_rest(const NodeId& from, const protocol::GossipBatch& batch, Instant now,
                  protocol::Effects& effects) {
    for (const protocol::Gossip& gossip : batch.bodies) {
      take_gossip(from, gossip, protocol::Haste::can_wait, now, effects);
    }
  }
  void take_gossip(const NodeId& from, const protocol::Gossip& gossip, protocol::Haste haste,
                   Instant now, protocol::Effects& effects) {
    const auto is_new = broadcast.receive(from, gossip, effects);
    if (!is_new) {
      score.report(from, is_new.error(), now);
    } else if (*is_new) {
      delivered.push_back(gossip.id);
      take_vote(gossip.body);
      broadcast.accept(from, gossip, haste, now, effects);
    }
  }
  void route_rest(const NodeId& from, const protocol::IHave& have, Instant now,
                  protocol::Effects&) {
    judge(from, broadcast.receive(from, have, now), now);
  }
  void route_rest(const NodeId& from, const protocol::Graft& graft, Instant now,
                  protocol::Effects& effects) {
    judge(from, broadcast.receive(from, graft, now, effects), now);
  }
  void route_rest(const NodeId& from, const protocol::Prune& prune, Instant now,
                  protocol::Effects&) {
    judge(from, broadcast.receive(from, prune), now);
  }
  void route_rest(const NodeId& from, const protocol::VoteRangeRequest& request, Instant now,
                  protocol::Effects& effects) {
    judge(from, ledger.receive(from, request, effects), now);
  }
  template <class Other>
  void route_rest(const NodeId& from, const Other&, Instant now, protocol::Effects&) {
    score.report(from, protocol::RejectReason::unexpected, now);
  }

  void route_rest(const NodeId& from, const protocol::VoteRange& range, Instant now,
                  protocol::Effects& effects) {
    for (const Bytes& bytes : range.packets) take_vote(bytes);
    ledger.range_inserted(from, now, effects);
  }

  void take_vote(const Bytes& bytes) {
    const std::optional<TestVote> vote = TestVote::from_bytes(bytes);
    if (!vote) return;
    const protocol::VoteInsertion insertion =
        ledger.insert(test_id(vote->author), vote->packet, bytes);
    if (insertion == protocol::VoteInsertion::stored) ++votes_applied;
  }

  void judge(const NodeId& from, const protocol::Handled& handled, Instant now) {
    if (!handled) score.report(from, handled.error(), now);
  }

  /// Passes on what one machine found out and the others must know.
  void settle(Instant now, protocol::Effects& effects) {
    for (const NodeId& dead : detector.take_dead()) {
      effects.hang_up(dead, protocol::CloseReason::timed_out);
    }
    for (const protocol::NeighbourChange& change : membership.take_changes()) {
      if (change.up) {
        detector.neighbour_up(change.peer, now);
        broadcast.neighbour_up(change.peer, now);
        ledger.neighbour_up(change.peer, now, effects);
      } else {
        detector.neighbour_down(change.peer);
        broadcast.neighbour_down(change.peer);
        ledger.neighbour_down(change.peer);
      }
    }
  }
};

using OverlayNetwork = VirtualNetwork<OverlayNode>;

/// Adds `count` nodes that know one address, that of the first, and start 20 ms apart.
inline void add_swarm(OverlayNetwork& network, std::size_t count, double interval_scale = 1) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t number = network.size();
    network.add(
        std::make_unique<OverlayNode>(protocol::MembershipOptions{.self = test_record(number),
                                                                  .seed = 1000 + number,
                                                                  .interval_scale = interval_scale,
                                                                  .pinned = {}}));
    network.with(number, [&](OverlayNode& node, Instant now, protocol::Effects& effects) {
      std::vector<protocol::PeerRecord> ticket;
      if (number > 0) ticket.push_back({.id = {}, .address = test_record(0).address});
      node.start(ticket, now, effects);
    });
    network.run_for(std::chrono::milliseconds(20));
  }
}

/// The number of living nodes that the living node `start` reaches over mutual neighbours.
inline std::size_t reachable_from(OverlayNetwork& network, std::size_t start) {
  std::set<std::size_t> reached = {start};
  std::vector<std::size_t> frontier = {start};
  while (!frontier.empty()) {
    const std::size_t at = frontier.back();
    frontier.pop_back();
    for (std::size_t other = 0; other < network.size(); ++other) {
      const bool is_edge = network.is_alive(other) &&
                           network.node(at).membership.is_neighbour(test_id(other)) &&
                           network.node(other).membership.is_neighbour(test_id(at));
      if (is_edge && reached.insert(other).second) frontier.push_back(other);
    }
  }
  return reached.size();
}

}  // namespace starling::testing
