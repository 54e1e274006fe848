#include "protocol/overlay/relay.h"

#include <algorithm>
#include <vector>

#include "protocol/pace.h"

namespace starling::protocol {

namespace {

/// Smaller grants would cost more messages than they are worth.
constexpr std::uint64_t grant_bytes_min = limits::circuit_window_bytes / 4;

Duration time_for(double bytes, double rate) {
  return Duration(static_cast<Duration::rep>(std::max(bytes, 0.0) / rate * 1e9) + 1);
}

}  // namespace

void Relay::Budget::fill(Instant now) {
  left = std::min(left_max, left + to_seconds(now - filled_at) * rate);
  filled_at = now;
}

void Relay::link_up(const NodeId& peer, PathKind path, Instant now) {
  if (path == PathKind::relayed) return;
  links_[peer] = {.left = limits::circuits_opened_per_second_max,
                  .left_max = limits::circuits_opened_per_second_max,
                  .rate = limits::circuits_opened_per_second_max,
                  .filled_at = now};
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
  opener->second.fill(now);
  if (opener->second.left < 1) return CircuitEnd::too_many;
  opener->second.left -= 1;
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
  const Budget budget{.left = limits::circuit_window_bytes,
                      .left_max = limits::circuit_window_bytes,
                      .rate = limits::circuit_bytes_per_second,
                      .filled_at = now};
  Circuit& circuit = circuits_[open.circuit];
  circuit.lanes[0] = {.from = from, .to = open.target, .budget = budget};
  circuit.lanes[1] = {.from = open.target, .to = from, .budget = budget};
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
  total_.fill(now);
  for (Lane& lane : circuit.lanes) {
    lane.budget.fill(now);
    const std::uint64_t room = limits::circuit_window_bytes - lane.granted - lane.untaken;
    if (room < grant_bytes_min) continue;
    const double affordable = std::min(lane.budget.left, total_.left);
    const auto bytes = std::min(room, static_cast<std::uint64_t>(std::max(affordable, 0.0)));
    if (bytes < grant_bytes_min) {
      const Budget& scarce = lane.budget.left < total_.left ? lane.budget : total_;
      const double missing = static_cast<double>(grant_bytes_min) - scarce.left;
      circuit.grant_at = std::min(circuit.grant_at, now + time_for(missing, scarce.rate));
      continue;
    }
    lane.granted += bytes;
    lane.budget.left -= static_cast<double>(bytes);
    total_.left -= static_cast<double>(bytes);
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
