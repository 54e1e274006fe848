#include "protocol/exchange/edge_book.h"

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
  auto victim = std::ranges::find_if(edges_, [](const auto& entry) {
    return !entry.second.open && entry.second.retained.empty();
  });
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
  const bool is_dropped = broken_ == Broken::dropped && edge.applied != hello.applied;
  const bool history_lost = met_before && (!same_history || is_dropped);
  if (history_lost) edge = Edge{};
  edge.peer_incarnation = hello.incarnation;
  edge.peer_step = hello.step;
  edge.peer_applied = same_history && !is_dropped ? hello.applied : 0;
  edge.open = true;
  release_reconciled(edge);
  // What neither end has applied is as if it had never begun.
  std::erase_if(edge.retained, [&](const auto& entry) {
    return entry.first > std::max(edge.applied, edge.peer_applied);
  });
  // Where only the peer has applied, it sends its payload, and ours is kept to be mixed with it.
  for (const auto& [number, payload] : edge.retained) {
    if (number > edge.peer_applied) effects.send(peer, payload);
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

void EdgeBook::offered(const NodeId& peer, std::uint64_t number) {
  Edge& edge = at(peer);
  edge.offered = std::max(edge.offered, number);
}

void EdgeBook::retain(const NodeId& peer, Bulk payload) {
  auto& retained = at(peer).retained;
  if (retained.size() >= limits::edge_payloads_max) retained.erase(retained.begin());
  retained.insert_or_assign(payload.number, std::move(payload));
}

void EdgeBook::discard(const NodeId& peer, std::uint64_t number) {
  Edge& edge = at(peer);
  if (edge.applied < number) edge.retained.erase(number);
}

/// Lets go of what both ends have applied.
void EdgeBook::release_reconciled(Edge& edge) {
  const std::uint64_t reconciled = std::min(edge.applied, edge.peer_applied);
  edge.retained.erase(edge.retained.begin(), edge.retained.upper_bound(reconciled));
}

void EdgeBook::applied(const NodeId& peer, std::uint64_t number) {
  Edge& edge = at(peer);
  edge.applied = std::max(edge.applied, number);
  release_reconciled(edge);
}

void EdgeBook::confirmed(const NodeId& peer, std::uint64_t number) {
  Edge& edge = at(peer);
  edge.peer_applied = std::max(edge.peer_applied, number);
  release_reconciled(edge);
}

std::optional<Completion> EdgeBook::complete(const NodeId& peer, Bulk&& theirs) {
  const auto found = edges_.find(peer);
  if (found == edges_.end()) return std::nullopt;
  Edge& edge = found->second;
  const std::uint64_t number = theirs.number;
  const auto own = edge.retained.find(number);
  if (own == edge.retained.end() || edge.applied >= number) return std::nullopt;
  Completion completion{.peer = peer, .own = own->second, .theirs = std::move(theirs)};
  // Only the peer itself says that it has applied its side (in its hello, or afterwards).
  edge.applied = number;
  release_reconciled(edge);
  return completion;
}

const Edge* EdgeBook::find(const NodeId& peer) const {
  const auto found = edges_.find(peer);
  return found == edges_.end() ? nullptr : &found->second;
}

std::vector<NodeId> EdgeBook::open_edges() const {
  std::vector<NodeId> peers;
  for (const auto& [peer, edge] : edges_) {
    if (is_open(peer, edge)) peers.push_back(peer);
  }
  return peers;
}

bool EdgeBook::has_open_edge() const {
  return std::ranges::any_of(
      edges_, [this](const auto& entry) { return is_open(entry.first, entry.second); });
}

std::size_t EdgeBook::unreconciled() const {
  return static_cast<std::size_t>(std::ranges::count_if(edges_, [](const auto& entry) {
    const Edge& edge = entry.second;
    return !edge.retained.empty() && edge.applied != edge.peer_applied;
  }));
}

}  // namespace starling::protocol
