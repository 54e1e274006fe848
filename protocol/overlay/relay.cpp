#include "protocol/overlay/relay.h"

#include <algorithm>
#include <vector>

#include "protocol/pace.h"

namespace starling::protocol {

namespace {

/// Smaller grants would cost more messages than they are worth.
constexpr std::uint64_t grant_bytes_min = limits::circuit_window_bytes / 4;

}  // namespace

void Relay::link_up(const NodeId& peer, PathKind path) {
  if (path == PathKind::relayed) return;
  links_.insert_or_assign(peer, TokenBucket(limits::circuits_opened_per_second_max));
}

void Relay::link_down(const NodeId& peer, Effects& effects) {
  links_.erase(peer);
  for (auto at = circuits_.begin(); at != circuits_.end();) {
    const auto circuit = at++;
    if (lane_from(circuit->second, peer) == nullptr) continue;
    end(circuit, CircuitEnd::link_lost, &peer, effects);
  }
}

Relay::Lane* Relay::lane_from(Circuit& circuit, const NodeId& from) {
  const auto lane = std::ranges::find(circuit.lanes, from, &Lane::from);
  return lane == circuit.lanes.end() ? nullptr : &*lane;
}

std::optional<CircuitEnd> Relay::objection_to(const NodeId& from, const CircuitOpen& open,
                                              Instant now) {
  const auto opener = links_.find(from);
  if (opener == links_.end() || !links_.contains(open.target) || open.target == from) {
    return CircuitEnd::no_link;
  }
  // Each costs the target a handshake.
  if (!opener->second.take(now)) return CircuitEnd::too_many;
  if (circuits_.contains(open.circuit) || circuits_.size() >= limits::circuits_max) {
    return CircuitEnd::too_many;
  }
  const auto of_opener = std::ranges::count_if(
      circuits_, [&](const auto& entry) { return entry.second.lanes[0].from == from; });
  const bool has_room = static_cast<std::size_t>(of_opener) < limits::circuits_per_peer_max;
  return has_room ? std::nullopt : std::optional(CircuitEnd::too_many);
}

Handled Relay::receive(const NodeId& from, const CircuitOpen& open, Instant now, Effects& effects) {
  if (open.origin != from) return std::unexpected(RejectReason::unexpected);
  if (const auto objection = objection_to(from, open, now)) {
    effects.send(from, CircuitClose{.circuit = open.circuit, .reason = *objection});
    return {};
  }
  Circuit& circuit = circuits_[open.circuit];
  circuit.lanes[0] = {.from = from, .to = open.target};
  circuit.lanes[1] = {.from = open.target, .to = from};
  circuit.idle_at = now + scaled(limits::circuit_idle_time_max, interval_scale_);
  effects.send(open.target, open);
  grant(open.circuit, circuit, now, effects);
  return {};
}

/// Data of a circuit that has just ended may still be on its way: no offence.
Handled Relay::receive(const NodeId& from, const CircuitData& data, Instant now, Effects& effects) {
  const auto found = circuits_.find(data.circuit);
  Lane* lane = found == circuits_.end() ? nullptr : lane_from(found->second, from);
  if (lane == nullptr) return {};
  if (data.data.size() > lane->granted) {
    end(found, CircuitEnd::broken_rule, nullptr, effects);
    return std::unexpected(RejectReason::flood);
  }
  lane->granted -= data.data.size();
  lane->untaken += data.data.size();
  relayed_bytes_ += data.data.size();
  found->second.idle_at = now + scaled(limits::circuit_idle_time_max, interval_scale_);
  effects.send(lane->to, data);
  grant(data.circuit, found->second, now, effects);
  return {};
}

/// From the end that has taken up bytes of the lane towards it.
Handled Relay::receive(const NodeId& from, const CircuitCredit& credit, Instant now,
                       Effects& effects) {
  const auto found = circuits_.find(credit.circuit);
  if (found == circuits_.end() || lane_from(found->second, from) == nullptr) return {};
  Lane& lane = *std::ranges::find(found->second.lanes, from, &Lane::to);
  if (credit.bytes > lane.untaken) {
    end(found, CircuitEnd::broken_rule, nullptr, effects);
    return std::unexpected(RejectReason::flood);
  }
  lane.untaken -= credit.bytes;
  grant(credit.circuit, found->second, now, effects);
  return {};
}

void Relay::receive(const NodeId& from, const CircuitClose& close, Effects& effects) {
  const auto found = circuits_.find(close.circuit);
  if (found == circuits_.end() || lane_from(found->second, from) == nullptr) return;
  end(found, close.reason, &from, effects);
}

Instant Relay::next_deadline() const {
  Instant earliest = Instant::never();
  for (const auto& [number, circuit] : circuits_) {
    earliest = std::min({earliest, circuit.idle_at, circuit.grant_at});
  }
  return earliest;
}

void Relay::tick(Instant now, Effects& effects) {
  for (auto at = circuits_.begin(); at != circuits_.end();) {
    const auto circuit = at++;
    if (circuit->second.idle_at <= now) {
      end(circuit, CircuitEnd::idle, nullptr, effects);
    } else if (circuit->second.grant_at <= now) {
      grant(circuit->first, circuit->second, now, effects);
    }
  }
}

/// What a window, the receiver and the budgets allow; later, where only a budget stands in the way.
void Relay::grant(std::uint64_t number, Circuit& circuit, Instant now, Effects& effects) {
  circuit.grant_at = Instant::never();
  for (Lane& lane : circuit.lanes) {
    const std::uint64_t room = limits::circuit_window_bytes - lane.granted - lane.untaken;
    if (room < grant_bytes_min) continue;
    const double affordable = std::min(lane.budget.left(now), total_.left(now));
    const auto bytes = std::min(room, static_cast<std::uint64_t>(affordable));
    const auto cost = static_cast<double>(bytes);
    if (bytes < grant_bytes_min || !lane.budget.take(now, cost) || !total_.take(now, cost)) {
      const Duration wait = std::max(lane.budget.time_until(grant_bytes_min, now),
                                     total_.time_until(grant_bytes_min, now));
      circuit.grant_at = std::min(circuit.grant_at, now + wait);
      continue;
    }
    lane.granted += bytes;
    effects.send(lane.from, CircuitCredit{.circuit = number, .bytes = bytes});
  }
}

/// except: is not told; it has said so itself, or has gone.
void Relay::end(Circuits::iterator at, CircuitEnd reason, const NodeId* except, Effects& effects) {
  for (const Lane& lane : at->second.lanes) {
    if (except != nullptr && lane.from == *except) continue;
    effects.send(lane.from, CircuitClose{.circuit = at->first, .reason = reason});
  }
  circuits_.erase(at);
}

}  // namespace starling::protocol
