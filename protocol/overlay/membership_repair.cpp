// Membership: what keeps the overlay whole and mixed, from tick() alone.

#include <algorithm>
#include <utility>

#include "protocol/limits.h"
#include "protocol/overlay/membership.h"
#include "protocol/pace.h"

namespace starling::protocol {

void Membership::refill(Instant now, Effects& effects) {
  if (refill_at_ == Instant::never()) return;  // not started
  if (isolated()) contacts_.dial_due(now, effects);
  if (options_.pinned) {
    dial_pinned(now, effects);
    return;
  }
  const std::size_t count = neighbour_count();
  if (count >= limits::active_view_peers_max) return;
  const bool is_urgent = count < limits::active_view_peers_refill;
  // Below the refill mark all places are sought at once, above it one at a time.
  const std::size_t wanted = is_urgent ? limits::active_view_peers_refill - count : 1;
  std::vector<PeerRecord> free = candidates(now);
  rng_.shuffle(std::span(free));
  for (const PeerRecord& candidate : free) {
    if (courted_count() >= wanted) return;
    court(candidate, is_urgent, now, effects);
  }
}

void Membership::dial_pinned(Instant now, Effects& effects) {
  for (const PeerRecord& peer : *options_.pinned) {
    const std::optional<PeerRecord> known = book_.find(peer.id);
    if (!known || links_.contains(peer.id) || !book_.is_due(peer.id, now)) continue;
    court(*known, false, now, effects);
  }
}

void Membership::yield_dialling(const NodeId& peer, Instant now) {
  // Both ends of a pinned edge want it: the larger id waits, or there would be two links.
  if (is_pinned(peer) && peer < options_.self.id) {
    book_.rest(peer, now + scaled_interval(limits::dial_time_max));
  }
}

void Membership::shuffle(Instant now, Effects& effects) {
  const bool is_thin = neighbour_count() < limits::active_view_peers_max && candidates(now).empty();
  const Duration interval =
      scaled_interval(is_thin ? limits::shuffle_interval_thin : limits::shuffle_interval);
  // +-20 %, or nodes started together would shuffle together for ever.
  shuffle_at_ = now + scaled(interval, 0.8 + 0.4 * rng_.uniform());
  if (const auto neighbour = random_neighbour({})) {
    effects.send(*neighbour, Shuffle{.origin = options_.self,
                                     .hops_left = limits::active_walk_hops,
                                     .peers = shuffle_sample()});
  }
  if (!options_.pinned) rebalance(now, effects);
}

void Membership::rebalance(Instant now, Effects& effects) {
  const bool is_full = neighbour_count() >= limits::active_view_peers_max;
  if (!is_full || holds_links_ || !mostly_dialled_by_others()) return;
  std::vector<PeerRecord> free = candidates(now);
  std::erase_if(free, [this](const PeerRecord& peer) { return links_.contains(peer.id); });
  if (!free.empty()) court(free[rng_.below(free.size())], false, now, effects);
}

void Membership::probe(Instant now, Effects& effects) {
  probe_at_ = now + scaled_interval(limits::probe_interval);
  if (options_.pinned || holds_links_) return;
  std::vector<PeerRecord> remembered = book_.due(now);
  std::erase_if(remembered, [this](const PeerRecord& peer) { return links_.contains(peer.id); });
  if (remembered.empty()) return;
  // With priority, or two full overlays would never touch. One edge in two minutes is exchanged.
  court(remembered[rng_.below(remembered.size())], true, now, effects);
}

void Membership::expire_links(Instant now, Effects& effects) {
  for (auto& [peer, link] : links_) {
    if (link.standing == Standing::neighbour || link.expires > now) continue;
    if (link.standing == Standing::asked) {
      link.standing = Standing::stranger;
      book_.rest(peer, now + scaled_interval(limits::shuffle_interval));
      link.expires = now;
    }
    if (!holds_links_) effects.hang_up(peer, CloseReason::normal);
    // Should the link outlive this, it is asked for again no sooner than this.
    link.expires = now + scaled_interval(limits::stranger_link_time_max);
  }
}

}  // namespace starling::protocol
