#include "protocol/edge_book.h"

#include <algorithm>
#include <utility>

#include "protocol/limits.h"

namespace starling::protocol {

Edge& EdgeBook::at(const NodeId& peer) {
  if (!edges_.contains(peer) && edges_.size() >= limits::edges_max) forget_oldest_closed();
  return edges_[peer];
}

/// Makes room: a closed edge with nothing pending first, else any closed one.
void EdgeBook::forget_oldest_closed() {
  auto victim = std::ranges::find_if(
      edges_, [](const auto& entry) { return !entry.second.open && !entry.second.retained; });
  if (victim == edges_.end()) {
    victim = std::ranges::find_if(edges_, [](const auto& entry) { return !entry.second.open; });
  }
  if (victim != edges_.end()) edges_.erase(victim);
}

void EdgeBook::greet(const NodeId& peer, Step step, Effects& effects) {
  const Edge& edge = at(peer);
  greeted_[peer] = true;
  effects.send(peer, EdgeHello{.incarnation = incarnation_,
                               .peer_incarnation = edge.peer_incarnation,
                               .applied = edge.applied,
                               .step = step});
}

bool EdgeBook::on_hello(const NodeId& peer, const EdgeHello& hello, Effects& effects) {
  Edge& edge = at(peer);
  const bool met_before = edge.peer_incarnation != 0;
  // Either end may have restarted, or given the edge up, since the last hello.
  const bool same_history =
      edge.peer_incarnation == hello.incarnation && hello.peer_incarnation == incarnation_;
  const bool history_lost = met_before && !same_history;
  if (history_lost) edge = Edge{};
  edge.peer_incarnation = hello.incarnation;
  edge.peer_step = hello.step;
  edge.peer_applied = same_history ? hello.applied : 0;
  edge.open = true;
  if (!edge.retained) return history_lost;
  const std::uint64_t number = edge.retained->number;
  if (edge.peer_applied >= number) {
    // The peer has ours. If we lack theirs, it sends it; only then can we let go of our own copy.
    if (edge.applied >= number) edge.retained.reset();
  } else if (edge.applied >= number) {
    effects.send(peer, edge.retained->message);
  } else {
    edge.retained.reset();  // applied at neither end: as if it had never begun
  }
  return history_lost;
}

void EdgeBook::close(const NodeId& peer) {
  greeted_.erase(peer);
  if (const auto found = edges_.find(peer); found != edges_.end()) found->second.open = false;
}

void EdgeBook::give_up(const NodeId& peer) {
  greeted_.erase(peer);
  edges_.erase(peer);
}

void EdgeBook::set_peer_step(const NodeId& peer, Step step) {
  at(peer).peer_step = step;
}

void EdgeBook::retain(const NodeId& peer, RetainedPayload payload) {
  at(peer).retained = std::move(payload);
}

void EdgeBook::discard(const NodeId& peer, std::uint64_t number) {
  Edge& edge = at(peer);
  if (edge.retained && edge.retained->number == number && edge.applied < number) {
    edge.retained.reset();
  }
}

void EdgeBook::applied(const NodeId& peer, std::uint64_t number) {
  Edge& edge = at(peer);
  edge.applied = std::max(edge.applied, number);
  if (edge.retained && edge.peer_applied >= edge.retained->number &&
      edge.applied >= edge.retained->number) {
    edge.retained.reset();
  }
}

void EdgeBook::confirmed(const NodeId& peer, std::uint64_t number) {
  Edge& edge = at(peer);
  edge.peer_applied = std::max(edge.peer_applied, number);
  if (edge.retained && edge.retained->number <= number && edge.applied >= edge.retained->number) {
    edge.retained.reset();
  }
}

std::optional<Completion> EdgeBook::complete(const NodeId& peer, Bulk&& theirs) {
  const auto found = edges_.find(peer);
  if (found == edges_.end()) return std::nullopt;
  Edge& edge = found->second;
  if (!edge.retained || edge.retained->number != theirs.number || edge.applied >= theirs.number) {
    return std::nullopt;
  }
  edge.applied = theirs.number;
  edge.peer_applied = std::max(edge.peer_applied, theirs.number);
  Completion completion{
      .peer = peer, .own = std::move(*edge.retained), .theirs = std::move(theirs)};
  edge.retained.reset();
  return completion;
}

const Edge* EdgeBook::find(const NodeId& peer) const {
  const auto found = edges_.find(peer);
  return found == edges_.end() ? nullptr : &found->second;
}

std::vector<NodeId> EdgeBook::open_edges() const {
  std::vector<NodeId> peers;
  for (const auto& [peer, edge] : edges_) {
    if (edge.open && greeted_.contains(peer)) peers.push_back(peer);
  }
  return peers;
}

std::size_t EdgeBook::unreconciled() const {
  return static_cast<std::size_t>(std::ranges::count_if(edges_, [](const auto& entry) {
    const Edge& edge = entry.second;
    return edge.retained && edge.applied != edge.peer_applied;
  }));
}

}  // namespace starling::protocol
