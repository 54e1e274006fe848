#include "sim/network.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "protocol/limits.h"
#include "protocol/wire/announcement.h"
#include "protocol/wire/wire.h"
#include "sim/wire_bytes.h"
#include "starling/check.h"

namespace starling::sim {

namespace {

using protocol::CloseReason;
using protocol::DialProblem;
using protocol::PathKind;

}  // namespace

std::string address_of(std::uint32_t index) {
  return "node-" + std::to_string(index) + ":1";
}

Network::Network(EventQueue& queue, Trace& trace, LinkModel model, std::vector<NodeId> ids,
                 Deliver deliver, Barriers barriers)
    : queue_(queue),
      trace_(trace),
      model_(std::move(model)),
      deliver_(std::move(deliver)),
      barriers_(std::move(barriers)) {
  for (const NodeId& id : ids) {
    const auto index = static_cast<std::uint32_t>(hosts_.size());
    index_[id].push_back(index);
    addresses_[address_of(index)] = index;
    hosts_.push_back({.id = id});
  }
}

bool Network::linked(std::uint32_t a, std::uint32_t b) const {
  const auto one = ends_.find({a, b});
  const auto other = ends_.find({b, a});
  return one != ends_.end() && other != ends_.end() && one->second.link == other->second.link &&
         !one->second.is_closing && !other->second.is_closing;
}

/// Null: not linked, as far as the owner of this end may know.
Network::End* Network::open_end(Direction direction) {
  const auto end = ends_.find(direction);
  return end == ends_.end() || end->second.is_closing ? nullptr : &end->second;
}

std::vector<std::uint32_t> Network::peers_of(std::uint32_t node) const {
  std::vector<std::uint32_t> peers;
  for (auto end = ends_.lower_bound({node, 0}); end != ends_.end() && end->first.first == node;
       ++end) {
    peers.push_back(end->first.second);
  }
  return peers;
}

void Network::start(std::uint32_t node, std::uint64_t incarnation,
                    const protocol::BulkBounds& bulk) {
  hosts_[node].bulk = bulk;
  hosts_[node].is_up = true;
  hosts_[node].is_dark = false;
  hosts_[node].life += 1;
  hosts_[node].incarnation = incarnation;
}

void Network::stop(std::uint32_t node) {
  hosts_[node].is_up = false;
  turn_out(node);
  forget_circuits_of(node);
  for (const auto& [direction, end] : ends_) {
    if (direction.second != node) continue;
    const auto own = ends_.find({node, direction.first});
    const bool is_farewell_under_way = own == ends_.end() || own->second.is_closing;
    if (is_farewell_under_way) continue;  // it comes first, as on a socket
    lose(direction, queue_.now() + model_.travel_time(), CloseReason::connection_lost);
  }
  for (const std::uint32_t peer : peers_of(node)) ends_.erase({node, peer});
}

void Network::power_off(std::uint32_t node) {
  hosts_[node].is_up = false;
  hosts_[node].is_dark = true;
  turn_out(node);
  forget_circuits_of(node);
  for (const std::uint32_t peer : peers_of(node)) ends_.erase({node, peer});
}

void Network::cut(std::uint32_t a, std::uint32_t b) {
  for (const Direction& end : {Direction{a, b}, Direction{b, a}}) {
    lose(end, queue_.now() + model_.travel_time(), CloseReason::connection_lost);
  }
}

void Network::partition(const std::vector<std::uint32_t>& groups, bool is_silent) {
  for (std::size_t node = 0; node < hosts_.size(); ++node) hosts_[node].group = groups[node];
  is_silent_ = is_silent;
  release_held();
  if (is_silent) return;
  for (const auto& [direction, end] : ends_) {
    if (groups[direction.first] == groups[direction.second]) continue;
    lose(direction, queue_.now() + model_.travel_time(), CloseReason::connection_lost);
  }
}

bool Network::apart(Direction ends) const {
  return hosts_[ends.first].group != hosts_[ends.second].group;
}

/// A TCP connection sends again what was not acknowledged, in order.
void Network::release_held() {
  const Instant at = queue_.now() + model_.travel_time();
  for (auto& [ends, delivery] : std::exchange(held_, {})) {
    if (apart(ends)) {
      held_.emplace_back(ends, std::move(delivery));
      continue;
    }
    if (const auto end = ends_.find(ends); end != ends_.end()) {
      end->second.last_control = std::max(end->second.last_control, at);
      end->second.last_bulk = std::max(end->second.last_bulk, at);
    }
    queue_.schedule(at, std::move(delivery));
  }
}

// --- Ends ---

void Network::close_end(std::uint32_t at, std::uint32_t other, CloseReason reason) {
  const auto end = ends_.extract({at, other});
  if (end.empty()) return;
  const bool hung_up = end.mapped().is_closing;
  if (const auto circuit = end.mapped().circuit; circuit && !hung_up) {
    end_circuit(*circuit, DialProblem::not_accepted, true);
  }
  end_circuits_over(at, other);
  deliver_(
      at, node::PeerDisconnected{hosts_[other].id, hung_up ? end.mapped().closing_reason : reason});
}

void Network::lose(Direction end, Instant when, CloseReason reason) {
  const auto found = ends_.find(end);
  if (found == ends_.end()) return;
  const Delivery closing = [this, end, link = found->second.link, reason] {
    const auto open = ends_.find(end);
    if (open == ends_.end() || open->second.link != link) return;
    close_end(end.first, end.second, reason);
  };
  queue_.schedule(when, [this, end, closing] {
    if (is_silent_ && apart(end)) {
      held_.emplace_back(Direction{end.second, end.first}, closing);
    } else {
      closing();
    }
  });
}

void Network::disconnect(std::uint32_t from, const NodeId& peer, CloseReason reason) {
  const std::uint32_t to = host_of(from, peer);
  End* end = open_end({from, to});
  if (end == nullptr) return;
  if (end->circuit) {
    Circuit& circuit = circuits_.at(*end->circuit);
    circuit.push(Circuit::FrameKind::farewell, Bytes{static_cast<std::uint8_t>(reason)});
    circuit.is_closing = true;
    pump(*end->circuit);
  } else {
    const Instant farewell = std::max(queue_.now() + model_.travel_time(), end->last_control);
    lose({to, from}, farewell, reason);
  }
  end->is_closing = true;
  end->closing_reason = reason;
  // Told at once, whatever has become of the other end.
  queue_.schedule(queue_.now(), [this, from, to, link = end->link, reason] {
    const auto closing = ends_.find({from, to});
    if (closing != ends_.end() && closing->second.link == link) close_end(from, to, reason);
  });
}

// --- Messages ---

bool Network::is_of_merge(const protocol::Message& message) {
  if (const auto* bulk = std::get_if<protocol::Bulk>(&message)) {
    return bulk->kind == protocol::BulkKind::merge_part ||
           bulk->kind == protocol::BulkKind::merged_slice ||
           bulk->kind == protocol::BulkKind::merge_roster;
  }
  if (const auto* gossip = std::get_if<protocol::Gossip>(&message)) {
    const auto [known, is_new] = is_merge_body_.try_emplace(gossip->id, false);
    if (is_new) {
      const auto opened = protocol::reopen_announcement(gossip->body);
      known->second =
          opened && std::visit([](const auto& content) { return requires { content.merge; }; },
                               opened->content);
    }
    return known->second;
  }
  return std::visit([](const auto& content) { return requires { content.merge; }; }, message);
}

void Network::send(std::uint32_t from, const NodeId& peer, const protocol::Message& message) {
  const std::uint32_t to = host_of(from, peer);
  End* end = open_end({from, to});
  if (end == nullptr) return;
  if (const auto refusal = end->gate.refuses_to_send(message)) {
    return deliver_(from, node::BulkRefused{.peer = peer, .refusal = *refusal, .is_own = true});
  }
  end->gate.sending(message);
  const WireBytes bytes = wire_bytes(message);
  if (end->circuit) return send_relayed(*end->circuit, message, bytes);
  trace_.note_parts(queue_.now(), from, TraceKind::send, message.index(), {bytes.head, bytes.data});
  hosts_[from].bytes_sent += bytes.size();
  if (is_of_merge(message)) hosts_[from].merge_bytes_sent += bytes.size();
  Traffic& of_kind = traffic_[message.index()];
  of_kind.messages += 1;
  of_kind.bytes += bytes.size();
  const bool is_bulk = std::holds_alternative<protocol::Bulk>(message);
  Instant& last = is_bulk ? end->last_bulk : end->last_control;
  if (is_bulk) {
    // One stream carries both: bulk lets control pass, and never passes control sent before it.
    last =
        std::max({last, end->last_control, model_.bulk_arrival(from, bytes.size(), queue_.now())});
  } else {
    last = std::max(last, model_.control_arrival(from, bytes.size(), queue_.now()));
  }
  if (is_bulk) tell_progress({from, to}, end->link, std::get<protocol::Bulk>(message), last);
  queue_.schedule(last, [this, from, to, link = end->link, received = read_back(bytes)]() mutable {
    arrive({from, to}, link, std::move(received));
  });
}

void Network::arrive(Direction direction, std::uint64_t link, protocol::Message message) {
  const auto [from, to] = direction;
  if (is_silent_ && apart(direction)) {
    held_.emplace_back(direction, [this, direction, link, held = std::move(message)]() mutable {
      arrive(direction, link, std::move(held));
    });
    return;
  }
  const End* end = open_end({to, from});
  if (end == nullptr || end->link != link) {
    const auto open = ends_.find(direction);
    const bool is_of_older_life = open != ends_.end() && open->second.link == link &&
                                  hosts_[to].is_up && hosts_[to].life != open->second.peer_life;
    // The machine is back and knows nothing of the connection: it answers with a reset.
    if (is_of_older_life) {
      lose(direction, queue_.now() + model_.travel_time(), CloseReason::connection_lost);
    }
    return;
  }
  if (take_circuit_message(from, to, message)) return;
  deliver_message(direction, std::move(message));
}

/// A bulk message that its receiver does not take ends the link, as a session would.
void Network::deliver_message(Direction direction, protocol::Message message) {
  const auto [from, to] = direction;
  const End* end = open_end({to, from});
  const auto* bulk = std::get_if<protocol::Bulk>(&message);
  const auto refusal = bulk != nullptr && end != nullptr
                           ? end->gate.refuses(bulk->kind, bulk->data.size())
                           : std::nullopt;
  if (!refusal) {
    return deliver_(to, node::MessageReceived{hosts_[from].id, std::move(message)});
  }
  deliver_(to, node::BulkRefused{.peer = hosts_[from].id, .refusal = *refusal});
  deliver_(to, node::InputRejected{protocol::RejectReason::too_large});
  disconnect(to, hosts_[from].id, CloseReason::misbehaviour);
}

/// All links of a node share its uplink, so that each of them moves on while one is full.
void Network::tell_progress(Direction direction, std::uint64_t link, const protocol::Bulk& bulk,
                            Instant arrives_at) {
  constexpr Duration interval = protocol::limits::bulk_progress_interval;
  const Instant next = queue_.now() + interval;
  if (next >= arrives_at) return;
  const node::BulkProgressed progress{hosts_[direction.first].id, bulk.kind, bulk.number};
  queue_.schedule(next, [this, direction, link, progress, arrives_at] {
    const auto end = ends_.find({direction.second, direction.first});
    if (end == ends_.end() || end->second.link != link || end->second.is_closing) return;
    const bool is_held = is_silent_ && apart(direction);
    if (!is_held) deliver_(direction.second, progress);
    tell_progress(direction, link,
                  {.kind = progress.kind, .number = progress.number, .context = {}, .data = {}},
                  arrives_at);
  });
}

}  // namespace starling::sim
