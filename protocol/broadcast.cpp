#include "protocol/broadcast.h"

#include <algorithm>

#include "protocol/announcement.h"
#include "protocol/limits.h"
#include "protocol/pace.h"
#include "starling/check.h"

namespace starling::protocol {

void Broadcast::neighbour_up(const NodeId& peer, Instant now) {
  const auto [at, is_new] = peers_.try_emplace(peer);
  if (!is_new) return;
  // A joiner, or the other side of a healed split, learns what it missed from the cache.
  const std::size_t told = std::min(cache_order_.size(), limits::ihave_catch_up_ids_max);
  for (auto aged = cache_order_.end() - static_cast<std::ptrdiff_t>(told);
       aged != cache_order_.end(); ++aged) {
    announce(at->second, {.id = aged->id, .hops = cache_.at(aged->id).hops}, now);
  }
}

void Broadcast::neighbour_down(const NodeId& peer) {
  peers_.erase(peer);
  for (auto& [id, missing] : missing_) {
    std::erase_if(missing.sources, [&](const Source& source) { return source.peer == peer; });
  }
}

void Broadcast::set_round_trip(const NodeId& peer, Duration round_trip) {
  if (const auto found = peers_.find(peer); found != peers_.end()) {
    found->second.round_trip = round_trip;
  }
}

BroadcastId Broadcast::broadcast(Bytes body, Instant now, Effects& effects) {
  STARLING_CHECK(body.size() <= limits::roster_bytes_max);
  const BroadcastId id = broadcast_id_of(body);
  if (seen_.contains(id)) return id;
  const Gossip gossip{.id = id, .hops = 0, .body = std::move(body)};
  remember(gossip, now);
  forward(std::nullopt, gossip, now, effects);
  return id;
}

std::expected<bool, RejectReason> Broadcast::receive(const NodeId& from, const Gossip& gossip,
                                                     Effects& effects) {
  const auto sender = peers_.find(from);
  if (sender == peers_.end()) return std::unexpected(RejectReason::unexpected);
  // Whether a body that long is a roster shows when it is opened (announcement.cpp).
  if (gossip.body.size() > limits::roster_bytes_max) {
    return std::unexpected(RejectReason::too_large);
  }
  if (seen_.contains(gossip.id)) {
    ++counters_.duplicates;
    if (shapes_tree(gossip.id)) {
      sender->second.is_eager = false;
      effects.send(from, Prune{});
    }
    return false;
  }
  // Otherwise one valid body under another's name would keep that other from spreading.
  if (gossip.id != broadcast_id_of(gossip.body)) {
    return std::unexpected(RejectReason::bad_payload);
  }
  return true;
}

void Broadcast::accept(const NodeId& from, const Gossip& gossip, Instant now, Effects& effects) {
  if (seen_.contains(gossip.id)) return;
  ++counters_.delivered;
  remember(gossip, now);
  if (const auto sender = peers_.find(from); sender != peers_.end()) {
    sender->second.is_eager = true;
  }
  prefer_shorter_path(from, gossip, effects);
  missing_.erase(gossip.id);
  forward(from, gossip, now, effects);
}

Handled Broadcast::receive(const NodeId& from, const IHave& have, Instant now) {
  const auto found = peers_.find(from);
  if (found == peers_.end()) return std::unexpected(RejectReason::unexpected);
  if (have.ids.size() > limits::ihave_ids_max || have.ids.size() != have.hops.size()) {
    return std::unexpected(RejectReason::too_large);
  }
  Peer& peer = found->second;
  start_interval(peer, now);
  peer.ihave_ids += have.ids.size();
  if (peer.ihave_ids > limits::ihave_ids_per_interval_max) {
    return std::unexpected(RejectReason::flood);
  }
  for (std::size_t i = 0; i < have.ids.size(); ++i) {
    if (seen_.contains(have.ids[i])) continue;
    note_missing(have.ids[i], {.peer = from, .hops = have.hops[i]}, now);
  }
  return {};
}

Handled Broadcast::receive(const NodeId& from, const Graft& graft, Instant now, Effects& effects) {
  const auto found = peers_.find(from);
  if (found == peers_.end()) return std::unexpected(RejectReason::unexpected);
  Peer& peer = found->second;
  start_interval(peer, now);
  if (++peer.grafts > limits::grafts_per_interval_max) {
    return std::unexpected(RejectReason::flood);
  }
  peer.is_eager = true;
  if (const auto cached = cache_.find(graft.id); cached != cache_.end()) {
    effects.send(
        from, Gossip{.id = graft.id, .hops = cached->second.hops + 1, .body = cached->second.body});
  }
  return {};
}

Handled Broadcast::receive(const NodeId& from, const Prune&) {
  const auto found = peers_.find(from);
  if (found == peers_.end()) return std::unexpected(RejectReason::unexpected);
  found->second.is_eager = false;
  return {};
}

Instant Broadcast::next_deadline() const {
  Instant earliest = Instant::never();
  for (const auto& [id, peer] : peers_) earliest = std::min(earliest, peer.announce_at);
  if (!missing_.empty()) earliest = std::min(earliest, graft_next_);
  if (!cache_order_.empty()) earliest = std::min(earliest, cache_order_.front().expires);
  if (!seen_order_.empty()) earliest = std::min(earliest, seen_order_.front().expires);
  return earliest;
}

void Broadcast::tick(Instant now, Effects& effects) {
  for (auto& [id, peer] : peers_) {
    if (peer.announce_at <= now) flush_announcements(id, peer, effects);
  }
  graft_missing(now, effects);
  forget_old(now);
}

bool Broadcast::shapes_tree(const BroadcastId& id) const {
  // The first deliveries of one body form a spanning tree, so its duplicates may cut the rest; two
  // bodies under way at once would cut each other's tree. About one body in pruning_interval does
  // it, the same at all nodes, because the id decides. Bodies come in bursts, so the busiest
  // interval counts: by the latest one alone the first few of every burst would all do it.
  double fraction = 0;  // the id as a number in [0, 1)
  for (std::size_t i = 4; i-- > 0;) fraction = (fraction + id[i]) / 256;
  return fraction * static_cast<double>(busiest_) < 1;
}

void Broadcast::remember(const Gossip& gossip, Instant now) {
  seen_.insert(gossip.id);
  seen_order_.push_back({.id = gossip.id, .expires = now + limits::broadcast_id_time});
  cache_[gossip.id] = {.hops = gossip.hops, .body = gossip.body};
  cache_order_.push_back({.id = gossip.id, .expires = now + limits::broadcast_cache_time});
  cached_bytes_ += gossip.body.size();
  forget_old(now);
  const Instant expires_if_recent = now + (limits::broadcast_id_time - limits::pruning_interval);
  const auto recent = static_cast<std::size_t>(
      seen_order_.end() -
      std::lower_bound(seen_order_.begin(), seen_order_.end(), expires_if_recent,
                       [](const Aged& aged, Instant limit) { return aged.expires < limit; }));
  if (now - busiest_at_ >= limits::pruning_memory) {
    busiest_ /= 2;
    busiest_at_ = now;
  }
  busiest_ = std::max(busiest_, recent);
}

void Broadcast::forward(const std::optional<NodeId>& from, const Gossip& gossip, Instant now,
                        Effects& effects) {
  const std::uint32_t hops = from ? gossip.hops + 1 : gossip.hops;
  for (auto& [id, peer] : peers_) {
    if (id == from) continue;
    if (peer.is_eager) {
      effects.send(id, Gossip{.id = gossip.id, .hops = hops, .body = gossip.body});
    } else {
      announce(peer, {.id = gossip.id, .hops = gossip.hops}, now);
    }
  }
}

void Broadcast::announce(Peer& peer, const Announced& announced, Instant now) {
  if (peer.to_announce.empty()) peer.announce_at = now + limits::ihave_batch_interval;
  // What does not fit is left to the other neighbours: the bound matters more than one id.
  if (peer.to_announce.size() < limits::ihave_ids_per_interval_max) {
    peer.to_announce.push_back(announced);
  }
}

void Broadcast::flush_announcements(const NodeId& id, Peer& peer, Effects& effects) {
  IHave have;
  for (const Announced& announced : peer.to_announce) {
    have.ids.push_back(announced.id);
    have.hops.push_back(announced.hops);
    if (have.ids.size() == limits::ihave_ids_max) effects.send(id, std::exchange(have, {}));
  }
  if (!have.ids.empty()) effects.send(id, std::move(have));
  peer.to_announce.clear();
  peer.announce_at = Instant::never();
}

void Broadcast::note_missing(const BroadcastId& id, const Source& source, Instant now) {
  auto found = missing_.find(id);
  if (found == missing_.end()) {
    if (missing_.size() >= limits::missing_broadcasts_max) return;
    const Duration patience = 3 * peers_.at(source.peer).round_trip;
    found = missing_.emplace(id, Missing{}).first;
    found->second.graft_at =
        now + std::max(scaled(limits::graft_delay_first, graft_scale_), patience);
    graft_next_ = std::min(graft_next_, found->second.graft_at);
  }
  auto& sources = found->second.sources;
  const bool is_known = std::any_of(sources.begin(), sources.end(),
                                    [&](const Source& known) { return known.peer == source.peer; });
  if (!is_known) sources.push_back(source);  // at most one for each neighbour
}

void Broadcast::graft_missing(Instant now, Effects& effects) {
  if (graft_next_ > now) return;
  graft_next_ = Instant::never();
  for (auto at = missing_.begin(); at != missing_.end();) {
    const Missing& missing = at->second;
    const bool is_hopeless =
        missing.sources.empty() || missing.attempts == limits::graft_attempts_max;
    if (missing.graft_at <= now && is_hopeless) {
      at = missing_.erase(at);
      continue;
    }
    if (missing.graft_at <= now) graft(at->first, at->second, now, effects);
    graft_next_ = std::min(graft_next_, missing.graft_at);
    ++at;
  }
}

void Broadcast::graft(const BroadcastId& id, Missing& missing, Instant now, Effects& effects) {
  // A source that was grafted for another id serves this one as well: one repair, one new edge.
  const auto grafted =
      std::find_if(missing.sources.begin(), missing.sources.end(),
                   [this](const Source& source) { return peers_.at(source.peer).is_eager; });
  const auto chosen = grafted == missing.sources.end() ? missing.sources.begin() : grafted;
  const Source source = *chosen;
  // The next attempt asks another source; this one comes last.
  missing.sources.erase(chosen);
  missing.sources.push_back(source);
  ++missing.attempts;
  Peer& peer = peers_.at(source.peer);
  peer.is_eager = true;
  effects.send(source.peer, Graft{id});
  ++counters_.grafts_sent;
  missing.graft_at =
      now + std::max(scaled(limits::graft_delay_next, graft_scale_), peer.round_trip);
}

void Broadcast::prefer_shorter_path(const NodeId& from, const Gossip& gossip, Effects& effects) {
  const auto found = missing_.find(gossip.id);
  if (found == missing_.end()) return;
  const auto& sources = found->second.sources;
  const auto nearest =
      std::min_element(sources.begin(), sources.end(),
                       [](const Source& a, const Source& b) { return a.hops < b.hops; });
  // Plumtree section 3.8: the tree is changed only for a clear gain, or it would never settle.
  if (nearest == sources.end() || nearest->peer == from ||
      nearest->hops + limits::eager_hops_threshold > gossip.hops) {
    return;
  }
  peers_.at(nearest->peer).is_eager = true;
  effects.send(nearest->peer, Graft{});  // an id nobody has: only the link is wanted
  if (const auto sender = peers_.find(from); sender != peers_.end()) {
    sender->second.is_eager = false;
    effects.send(from, Prune{});
  }
}

void Broadcast::forget_old(Instant now) {
  while (!cache_order_.empty() && (cache_order_.front().expires <= now ||
                                   cached_bytes_ > limits::broadcast_cache_bytes_max)) {
    const auto oldest = cache_.find(cache_order_.front().id);
    cached_bytes_ -= oldest->second.body.size();
    cache_.erase(oldest);
    cache_order_.pop_front();
  }
  while (!seen_order_.empty() &&
         (seen_order_.front().expires <= now || seen_order_.size() > limits::broadcast_ids_max)) {
    seen_.erase(seen_order_.front().id);
    seen_order_.pop_front();
  }
}

void Broadcast::start_interval(Peer& peer, Instant now) {
  if (now - peer.interval_start < limits::gossip_cap_interval) return;
  peer.interval_start = now;
  peer.ihave_ids = 0;
  peer.grafts = 0;
}

}  // namespace starling::protocol
