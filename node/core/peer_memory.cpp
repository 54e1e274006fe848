#include "node/core/peer_memory.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "protocol/limits.h"
#include "protocol/overlay/address_book.h"

namespace starling::node {

namespace {

namespace limits = protocol::limits;

/// Addresses come from others, and go into lines of a file and onto terminals.
bool is_printable(char c) {
  return c > ' ' && c <= '~';
}

}  // namespace

PeerMemory::PeerMemory(const NodeId& self, const std::vector<NodeId>& seen, Duration pause)
    : self_(self), pause_(pause) {
  for (const NodeId& node : seen) {
    if (seen_.size() < limits::nodes_seen_max && node != self) seen_.insert(node);
  }
}

void PeerMemory::heard(const protocol::PeerRecord& peer, Instant now) {
  if (peer.id == self_) return;
  if (seen_.size() < limits::nodes_seen_max && seen_.insert(peer.id).second) has_changed_ = true;
  remember(peer, now);
}

void PeerMemory::neighbour_up(const protocol::PeerRecord& peer, Instant now) {
  remember(peer, now);
  if (neighbours_.insert(peer.id).second) has_changed_ = true;
  if (anchors_.size() < limits::remembered_peers_max && anchors_.insert(peer.id).second) {
    save_at_ = std::min(save_at_, now + limits::save_neighbour_delay);
  }
}

/// An anchor that is gone is still worth trying after a restart; only its rank is lost.
void PeerMemory::neighbour_down(const NodeId& peer) {
  neighbours_.erase(peer);
}

void PeerMemory::remember(const protocol::PeerRecord& peer, Instant now) {
  if (!protocol::is_dialable(peer) || !std::ranges::all_of(peer.address, is_printable)) return;
  const auto [entry, is_new] = entries_.try_emplace(peer.id, Entry{peer.address, now});
  if (is_new || entry->second.address != peer.address) has_changed_ = true;
  entry->second = {peer.address, now};
  if (entries_.size() > limits::remembered_peers_max) forget_oldest();
}

/// Of those that are not neighbours, which are fewer than the bound.
void PeerMemory::forget_oldest() {
  const auto age_of = [this](const auto& entry) {
    return std::pair(neighbours_.contains(entry.first), entry.second.heard_at);
  };
  entries_.erase(std::ranges::min_element(entries_, {}, age_of));
}

Instant PeerMemory::next_deadline() const {
  return has_changed_ ? std::min(not_before_, save_at_) : Instant::never();
}

RememberedPeers PeerMemory::take(Instant now) {
  has_changed_ = false;
  save_at_ = Instant::never();
  not_before_ = now + pause_;
  std::vector<std::pair<NodeId, Entry>> ranked(entries_.begin(), entries_.end());
  // Not stable_sort, which clang refuses: the library's buffer for it is deprecated.
  std::ranges::sort(ranked, [this](const auto& a, const auto& b) {
    const auto rank = [this](const auto& entry) {
      return std::tuple(!neighbours_.contains(entry.first), -entry.second.heard_at.since_start,
                        entry.first);
    };
    return rank(a) < rank(b);
  });
  RememberedPeers peers;
  for (auto& [id, entry] : ranked) peers.records.push_back({id, std::move(entry.address)});
  peers.seen.assign(seen_.begin(), seen_.end());
  return peers;
}

}  // namespace starling::node
