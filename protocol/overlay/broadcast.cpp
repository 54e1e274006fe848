#include "protocol/overlay/broadcast.h"

#include <algorithm>

#include "protocol/limits.h"
#include "protocol/pace.h"
#include "protocol/wire/announcement.h"
#include "starling/check.h"

namespace starling::protocol {

namespace {

/// An announcement may have come by fewer links than the body will, each of which gathers: our
/// guess of the difference.
constexpr int gathers_awaited = 3;

}  // namespace

void Broadcast::neighbour_up(const NodeId& peer, Instant now) {
  const auto [at, is_new] = peers_.try_emplace(peer);
  if (!is_new) return;
  // One link connects a node with the tree; what only another brings is grafted.
  at->second.is_eager =
      std::ranges::none_of(peers_, [](const auto& entry) { return entry.second.is_eager; });
  // A joiner, or the other side of a healed split, learns what it missed from the cache.
  const std::size_t told = std::min(cache_order_.size(), limits::ihave_catch_up_ids_max);
  for (auto aged = cache_order_.end() - static_cast<std::ptrdiff_t>(told);
       aged != cache_order_.end(); ++aged) {
    announce(at->second, aged->id, now);
  }
}

void Broadcast::introduce(const BroadcastId& id, const NodeId& peer, Effects& effects) const {
  if (cache_.contains(id)) give(peer, id, cache_.at(id).hops, effects);
}

/// A body of the cache. What can wait keeps its name for that, and is not gathered again here.
void Broadcast::give(const NodeId& peer, const BroadcastId& id, std::uint32_t hops,
                     Effects& effects) const {
  const Cached& cached = cache_.at(id);
  Gossip gossip{.id = id, .hops = hops, .body = cached.body};
  if (is_gathered(cached.haste)) {
    effects.send(peer, GossipBatch{{std::move(gossip)}});
  } else {
    effects.send(peer, std::move(gossip));
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

BroadcastId Broadcast::broadcast(Bytes body, Haste haste, Instant now, Effects& effects) {
  STARLING_CHECK(body.size() <= limits::gossip_bytes_max);
  const BroadcastId id = broadcast_id_of(body);
  if (seen_.contains(id)) return id;
  const Gossip gossip{.id = id, .hops = 0, .body = std::move(body)};
  remember(gossip, haste, now);
  forward({}, gossip, haste, now, effects);
  return id;
}

void Broadcast::flush(Effects& effects) {
  for (auto& [id, peer] : peers_) peer.outbox.flush(id, effects);
}

std::expected<bool, RejectReason> Broadcast::receive(const NodeId& from, const Gossip& gossip,
                                                     Effects& effects) {
  const auto sender = peers_.find(from);
  if (sender == peers_.end()) return std::unexpected(RejectReason::unexpected);
  if (gossip.body.size() > limits::gossip_bytes_max) {
    return std::unexpected(RejectReason::too_large);
  }
  if (seen_.contains(gossip.id)) {
    ++counters_.duplicates;
    sender->second.outbox.forget(gossip.id);
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

void Broadcast::accept(const NodeId& from, const Gossip& gossip, Haste haste, Instant now,
                       Effects& effects) {
  if (seen_.contains(gossip.id)) return;
  ++counters_.delivered;
  remember(gossip, haste, now);
  const std::deque<Source> announcers = take_announcers(from, gossip.id, now);
  // From where a gathered body came first tells nothing of the links; its duplicates still do.
  if (shapes_tree(gossip.id) && !is_gathered(haste)) {
    shape_tree(from, announcers, gossip, effects);
  }
  std::set<NodeId> holders{from};
  for (const Source& announcer : announcers) holders.insert(announcer.peer);
  Gossip onward = gossip;
  onward.hops += 1;
  forward(holders, onward, haste, now, effects);
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
    if (seen_.contains(have.ids[i])) {
      peer.outbox.forget(have.ids[i]);
      continue;
    }
    note_missing(have.ids[i], {.peer = from, .hops = have.hops[i]}, have.can_wait, now);
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
  peer.outbox.forget(graft.id);
  if (const auto cached = cache_.find(graft.id); cached != cache_.end()) {
    give(from, graft.id, cached->second.hops + 1, effects);
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
  for (const auto& [id, peer] : peers_) earliest = std::min(earliest, peer.outbox.next_deadline());
  if (!missing_.empty()) earliest = std::min(earliest, graft_next_);
  if (!cache_order_.empty()) earliest = std::min(earliest, cache_order_.front().expires);
  if (!seen_order_.empty()) earliest = std::min(earliest, seen_order_.front().expires);
  return earliest;
}

void Broadcast::tick(Instant now, Effects& effects) {
  for (auto& [id, peer] : peers_) peer.outbox.tick(id, now, effects);
  graft_missing(now, effects);
  forget_old(now);
}

bool Broadcast::shapes_tree(const BroadcastId& id) const {
  // The first deliveries of one body form a spanning tree, so its duplicates may cut the rest; two
  // bodies under way at once would cut each other's tree. Of those the least id does it, the same
  // at all nodes and at any rate. Where it comes later than others it takes their tree over.
  return !recent_least_.empty() && recent_least_.front().id == id;
}

void Broadcast::remember(const Gossip& gossip, Haste haste, Instant now) {
  seen_.insert(gossip.id);
  seen_order_.push_back(
      {.id = gossip.id, .expires = now + scaled(limits::broadcast_id_time, interval_scale_)});
  cache_[gossip.id] = {.hops = gossip.hops, .body = gossip.body, .haste = haste};
  cache_order_.push_back(
      {.id = gossip.id, .expires = now + scaled(limits::broadcast_cache_time, interval_scale_)});
  cached_bytes_ += gossip.body.size();
  note_recent(gossip.id, is_gathered(haste), now);
  forget_old(now);
}

/// How long a body was gathered on the way tells nothing of the links: it shapes the tree only
/// where nothing else does.
void Broadcast::note_recent(const BroadcastId& id, bool is_gathered_body, Instant now) {
  if (!recent_least_.empty() && is_gathered_body != are_recent_gathered_) {
    if (is_gathered_body) return;
    recent_least_.clear();
  }
  are_recent_gathered_ = is_gathered_body;
  while (!recent_least_.empty() && id < recent_least_.back().id) recent_least_.pop_back();
  recent_least_.push_back({.id = id, .expires = now + limits::shaping_interval});
}

/// holders: who has the body and need not hear of it. gossip: as the receivers are to have it.
void Broadcast::forward(const std::set<NodeId>& holders, const Gossip& gossip, Haste haste,
                        Instant now, Effects& effects) {
  for (auto& [id, peer] : peers_) {
    if (holders.contains(id)) continue;
    if (!peer.is_eager) {
      announce(peer, gossip.id, now);
    } else if (is_gathered(haste)) {
      peer.outbox.gather(gossip, gather_time_, now);
    } else {
      effects.send(id, gossip);
    }
  }
}

/// Who announced a body that has come now; it is missing no more.
std::deque<Broadcast::Source> Broadcast::take_announcers(const NodeId& from, const BroadcastId& id,
                                                         Instant now) {
  auto missing = missing_.extract(id);
  if (missing.empty()) return {};
  std::deque<Source>& sources = missing.mapped().sources;
  const bool was_grafted = std::ranges::any_of(
      sources, [&from](const Source& source) { return source.peer == from && source.is_grafted; });
  // The answer to a graft tells nothing of the tree (as in Karn and Partridge 1987).
  if (!was_grafted && !missing.mapped().can_wait) {
    const Duration late = now - missing.mapped().announced_at;
    lateness_ = std::max(late, (7 * lateness_ + late) / 8);
  }
  return std::move(sources);
}

/// The link that brought the body belongs to the tree; those whose other end had it before do not.
void Broadcast::shape_tree(const NodeId& from, const std::deque<Source>& announcers,
                           const Gossip& gossip, Effects& effects) {
  for (const Source& announcer : announcers) peers_.at(announcer.peer).is_eager = false;
  const auto sender = peers_.find(from);
  if (sender != peers_.end()) sender->second.is_eager = true;
  const auto nearest = std::ranges::min_element(announcers, {}, &Source::hops);
  // Plumtree section 3.8: the tree is changed only for a clear gain, or it would never settle.
  if (nearest == announcers.end() || nearest->peer == from ||
      nearest->hops + limits::eager_hops_threshold > gossip.hops) {
    return;
  }
  peers_.at(nearest->peer).is_eager = true;
  effects.send(nearest->peer, Graft{});  // an id nobody has: only the link is wanted
  if (sender == peers_.end()) return;
  sender->second.is_eager = false;
  effects.send(from, Prune{});
}

/// An id of the cache.
void Broadcast::announce(Peer& peer, const BroadcastId& id, Instant now) const {
  const Cached& cached = cache_.at(id);
  const bool can_wait = is_gathered(cached.haste);
  peer.outbox.announce({.id = id, .hops = cached.hops}, can_wait,
                       can_wait ? gather_time_ : limits::ihave_batch_interval, now);
}

void Broadcast::note_missing(const BroadcastId& id, const Source& source, bool can_wait,
                             Instant now) {
  const auto found = missing_.find(id);
  if (found == missing_.end()) {
    if (missing_.size() >= limits::missing_broadcasts_max) return;
    Missing missing{.sources = {source},
                    .attempts = 0,
                    .announced_at = now,
                    .graft_at = {},
                    .can_wait = can_wait};
    missing.graft_at = first_graft_at(missing);
    graft_next_ = std::min(graft_next_, missing.graft_at);
    missing_.emplace(id, std::move(missing));
    return;
  }
  auto& sources = found->second.sources;  // at most one for each neighbour
  if (std::ranges::find(sources, source.peer, &Source::peer) == sources.end()) {
    sources.push_back(source);
  }
}

/// Times of limits.h or round trips, whichever are longer, and longer still where bodies come late.
Duration Broadcast::patience(Duration usual, Duration round_trips) const {
  return std::max({scaled(usual, interval_scale_), round_trips,
                   std::min(2 * lateness_, scaled(limits::graft_delay_max, interval_scale_))});
}

Instant Broadcast::first_graft_at(const Missing& missing) const {
  const Duration round_trip = peers_.at(missing.sources.front().peer).round_trip;
  // The announcement was gathered, and so is the body, on each link between us and its author.
  const Duration gathering = missing.can_wait ? gathers_awaited * gather_time_ : Duration{0};
  return missing.announced_at + gathering + patience(limits::graft_delay_first, 3 * round_trip);
}

void Broadcast::graft_missing(Instant now, Effects& effects) {
  if (graft_next_ > now) return;
  graft_next_ = Instant::never();
  for (auto at = missing_.begin(); at != missing_.end();) {
    Missing& missing = at->second;
    if (missing.attempts == 0 && !missing.sources.empty()) {  // the patience may have grown
      missing.graft_at = first_graft_at(missing);
    }
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
  const auto eager = std::ranges::find_if(missing.sources, [this](const Source& source) {
    return !source.is_grafted && peers_.at(source.peer).is_eager;
  });
  const auto chosen = eager == missing.sources.end() ? missing.sources.begin() : eager;
  Source source = *chosen;
  source.is_grafted = true;
  // The next attempt asks another source; this one comes last.
  missing.sources.erase(chosen);
  missing.sources.push_back(source);
  ++missing.attempts;
  Peer& peer = peers_.at(source.peer);
  peer.is_eager = true;
  effects.send(source.peer, Graft{id});
  ++counters_.grafts_sent;
  missing.graft_at = now + patience(limits::graft_delay_next, peer.round_trip);
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
  while (!recent_least_.empty() && recent_least_.front().expires <= now) recent_least_.pop_front();
}

void Broadcast::start_interval(Peer& peer, Instant now) {
  if (now - peer.interval_start < limits::gossip_cap_interval) return;
  peer.interval_start = now;
  peer.ihave_ids = 0;
  peer.grafts = 0;
}

}  // namespace starling::protocol
