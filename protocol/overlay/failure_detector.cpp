#include "protocol/overlay/failure_detector.h"

#include <algorithm>
#include <span>
#include <utility>

#include "protocol/limits.h"
#include "protocol/pace.h"

namespace starling::protocol {

namespace {

/// A link over which so many probes in a row went unanswered carries nothing any more, even if
/// others reach the peer (its address may have changed, or a router forgot the connection).
constexpr int link_misses_max = 2;

/// Local health begins to stretch the time-outs after so many points: two peers that die at once
/// (half of a small swarm, say) are no sign that we are slow, and are to be noticed in 15 s. Our
/// guess.
constexpr int misses_by_others = 2;

}  // namespace

void FailureDetector::neighbour_up(const NodeId& peer, Instant now) {
  // The first ping comes at once: it also measures the round trip.
  if (const auto [at, is_new] = neighbours_.try_emplace(peer); is_new) at->second.deadline = now;
}

void FailureDetector::neighbour_down(const NodeId& peer) {
  neighbours_.erase(peer);
  std::erase_if(relays_, [&](const auto& relay) {
    return relay.second.requester == peer || relay.second.target == peer;
  });
}

void FailureDetector::heard(const NodeId& peer, Instant now) {
  if (const auto found = neighbours_.find(peer); found != neighbours_.end()) {
    found->second.heard_at = now;
  }
}

void FailureDetector::receive(const NodeId& from, const Ping& ping, Instant, Effects& effects) {
  effects.send(from, Pong{ping.nonce});
}

void FailureDetector::receive(const NodeId& from, const Pong& pong, Instant now, Effects& effects) {
  if (const auto relay = relays_.find(pong.nonce);
      relay != relays_.end() && relay->second.target == from) {
    effects.send(
        relay->second.requester,
        IndirectPong{.target = from, .nonce = relay->second.requester_nonce, .alive = true});
    relays_.erase(relay);
    return;
  }
  const auto found = neighbours_.find(from);
  if (found == neighbours_.end()) return;
  Neighbour& neighbour = found->second;
  const bool is_awaited =
      neighbour.phase == Phase::pinged || neighbour.phase == Phase::asked_others;
  if (!is_awaited || neighbour.nonce != pong.nonce) return;
  const Duration sample = now - neighbour.pinged_at;
  // The smoothing of TCP's round-trip estimate (RFC 6298): 7/8 old, 1/8 new.
  neighbour.round_trip = neighbour.round_trip ? (*neighbour.round_trip * 7 + sample) / 8 : sample;
  if (neighbour.phase == Phase::pinged) note_health(-1);
  note_alive(neighbour, now);
}

void FailureDetector::receive(const NodeId& from, const IndirectPing& ping, Instant now,
                              Effects& effects) {
  const bool can_probe = neighbours_.contains(ping.target) && ping.target != from &&
                         relays_.size() < limits::relayed_probes_max;
  if (!can_probe) {
    effects.send(from, IndirectPong{.target = ping.target, .nonce = ping.nonce, .alive = false});
    return;
  }
  const std::uint64_t nonce = rng_.next();
  relays_[nonce] = {.requester = from,
                    .target = ping.target,
                    .requester_nonce = ping.nonce,
                    .deadline = now + scaled(limits::ping_time_max, options_.interval_scale)};
  effects.send(ping.target, Ping{nonce});
}

void FailureDetector::receive(const NodeId&, const IndirectPong& pong, Instant now, Effects&) {
  const auto found = neighbours_.find(pong.target);
  if (found == neighbours_.end()) return;
  Neighbour& neighbour = found->second;
  if (neighbour.phase != Phase::asked_others || neighbour.nonce != pong.nonce) return;
  const bool is_silent = !was_heard_since_ping(neighbour);
  if (pong.alive && is_silent && neighbour.misses >= link_misses_max) {
    declare_dead(pong.target, neighbour);  // it lives, and our link to it does not
  } else if (pong.alive) {
    neighbour.phase = Phase::resting;
    neighbour.deadline = now;  // one more direct probe tells which of the two it is
  } else {
    neighbour.helpers_silent = std::max(0, neighbour.helpers_silent - 1);
  }
}

Instant FailureDetector::next_deadline() const {
  Instant earliest = Instant::never();
  for (const auto& [peer, neighbour] : neighbours_) {
    earliest = std::min(earliest, neighbour.deadline);
  }
  for (const auto& [nonce, relay] : relays_) earliest = std::min(earliest, relay.deadline);
  return earliest;
}

void FailureDetector::tick(Instant now, Effects& effects) {
  for (auto& [peer, neighbour] : neighbours_) {
    if (neighbour.deadline > now) continue;
    switch (neighbour.phase) {
      case Phase::resting:
        ping(peer, neighbour, now, effects);
        break;
      case Phase::pinged:
        if (was_heard_since_ping(neighbour)) {
          note_alive(neighbour, now);
          break;
        }
        neighbour.misses += 1;
        note_health(+1);
        ask_others(peer, neighbour, now, effects);
        break;
      case Phase::asked_others:
        if (was_heard_since_ping(neighbour)) {
          note_alive(neighbour, now);
        } else {
          declare_dead(peer, neighbour);
        }
        break;
      case Phase::dead:
        break;
    }
  }
  expire_relays(now, effects);
}

std::vector<NodeId> FailureDetector::take_dead() {
  return std::exchange(dead_, {});
}

std::optional<Duration> FailureDetector::round_trip(const NodeId& peer) const {
  const auto found = neighbours_.find(peer);
  return found == neighbours_.end() ? std::nullopt : found->second.round_trip;
}

void FailureDetector::ping(const NodeId& peer, Neighbour& neighbour, Instant now,
                           Effects& effects) {
  neighbour.nonce = rng_.next();
  neighbour.pinged_at = now;
  neighbour.phase = Phase::pinged;
  neighbour.deadline = now + patience(limits::ping_time_max);
  effects.send(peer, Ping{neighbour.nonce});
}

void FailureDetector::ask_others(const NodeId& peer, Neighbour& neighbour, Instant now,
                                 Effects& effects) {
  std::vector<NodeId> helpers;
  for (const auto& [id, other] : neighbours_) {
    if (id != peer && other.phase != Phase::dead) helpers.push_back(id);
  }
  rng_.shuffle(std::span(helpers));
  helpers.resize(std::min<std::size_t>(helpers.size(), limits::indirect_probes));
  for (const NodeId& helper : helpers) {
    effects.send(helper, IndirectPing{.target = peer, .nonce = neighbour.nonce});
  }
  neighbour.helpers_silent = static_cast<int>(helpers.size());
  neighbour.phase = Phase::asked_others;
  // A helper waits ping_time_max itself before it says that it heard nothing.
  neighbour.deadline = now + 2 * patience(limits::ping_time_max);
}

void FailureDetector::declare_dead(const NodeId& peer, Neighbour& neighbour) {
  // Lifeguard: helpers that should have answered and did not point at our own link.
  note_health(neighbour.helpers_silent);
  neighbour.phase = Phase::dead;
  neighbour.deadline = Instant::never();
  dead_.push_back(peer);
}

/// TCP acknowledges: bytes that go on coming say that ours arrive as well.
bool FailureDetector::was_heard_since_ping(const Neighbour& neighbour) {
  return neighbour.heard_at > neighbour.pinged_at;
}

void FailureDetector::note_alive(Neighbour& neighbour, Instant now) {
  neighbour.phase = Phase::resting;
  neighbour.misses = 0;
  neighbour.deadline = now + patience(limits::ping_interval);
}

void FailureDetector::note_health(int change) {
  health_ = std::clamp(health_ + change, 1, limits::local_health_multiplier_max);
}

void FailureDetector::expire_relays(Instant now, Effects& effects) {
  std::erase_if(relays_, [&](const auto& entry) {
    const Relay& relay = entry.second;
    if (relay.deadline > now) return false;
    effects.send(
        relay.requester,
        IndirectPong{.target = relay.target, .nonce = relay.requester_nonce, .alive = false});
    return true;
  });
}

Duration FailureDetector::patience(Duration interval) const {
  return scaled(interval, options_.interval_scale) * std::max(1, health_ - misses_by_others);
}

}  // namespace starling::protocol
