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

/// One way: SYN, SYN-ACK, then the three messages of Noise XX.
constexpr int dial_trips = 4;

/// As node/runtime/endpoint.cpp has it: a dial that nothing answers.
constexpr Duration connect_time_max = std::chrono::seconds(5);

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

void Network::start(std::uint32_t node, std::uint64_t incarnation) {
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

// --- Dials ---

void Network::connect(std::uint32_t from, const node::Connect& wish) {
  const NodeId& id = wish.peer.id;
  const bool is_linked = index_.contains(id) && open_end({from, host_of(from, id)}) != nullptr;
  const bool may_replace =
      is_linked && wish.path != PathKind::relayed && is_relayed(from, host_of(from, id));
  if (is_linked && !may_replace) {
    return refuse(from, wish, DialProblem::already_linked, queue_.now());
  }
  if (!dials_.insert(key_of(from, wish)).second) return;
  if (wish.path == PathKind::relayed) return open_circuit(from, wish);
  Instant done = queue_.now();
  for (int trip = 0; trip < dial_trips; ++trip) done = done + model_.travel_time();
  queue_.schedule(done,
                  [this, from, life = hosts_[from].life, wish] { finish_dial(from, life, wish); });
}

void Network::refuse(std::uint32_t from, const node::Connect& wish, DialProblem problem,
                     Instant at) {
  queue_.schedule(at, [this, from, life = hosts_[from].life, wish, problem] {
    if (hosts_[from].life != life) return;
    dials_.erase(key_of(from, wish));
    deliver_(from, node::ConnectFailed{.peer = wish.peer,
                                       .problem = problem,
                                       .detail = {},
                                       .path = wish.path,
                                       .via = wish.via});
  });
}

/// As a dial, from a port that no router knows.
void Network::probe(std::uint32_t from, const node::ProbeAddress& question) {
  const auto problem =
      obstacle(from, {.peer = question.peer, .path = PathKind::unknown, .via = {}});
  const auto target = addresses_.find(question.peer.address);
  Instant done = queue_.now();
  for (int trip = 0; trip < dial_trips; ++trip) done = done + model_.travel_time();
  if (problem && target != addresses_.end()) done = done + silence(from, target->second);
  queue_.schedule(done, [this, from, life = hosts_[from].life, question, problem] {
    if (hosts_[from].life != life) return;
    deliver_(from, node::AddressProbed{
                       .peer = question.peer.id, .nonce = question.nonce, .is_reached = !problem});
  });
}

bool Network::is_relayed(std::uint32_t from, std::uint32_t to) const {
  const auto end = ends_.find({from, to});
  return end != ends_.end() && end->second.circuit.has_value();
}

/// Why the dial leads to no link; nothing if it does.
std::optional<DialProblem> Network::obstacle(std::uint32_t from, const node::Connect& wish) const {
  const protocol::PeerRecord& peer = wish.peer;
  const auto target = addresses_.find(peer.address);
  if (target == addresses_.end()) return DialProblem::name_unknown;
  const std::uint32_t to = target->second;
  if (to == from) return DialProblem::self;
  const Host& host = hosts_[to];
  if (apart({from, to}) || host.is_dark) return DialProblem::timed_out;
  if (wish.path != PathKind::punched && !barriers_.can_dial(from, to))
    return DialProblem::timed_out;
  if (!host.is_up) return DialProblem::refused;
  if (host.is_paused) return DialProblem::timed_out;
  if (peer.id != NodeId{} && peer.id != host.id) return DialProblem::wrong_identity;
  if (wish.path == PathKind::unknown) return std::nullopt;  // it only asks
  if (linked(from, to) && !is_relayed(from, to)) return DialProblem::already_linked;
  const bool has_room = peers_of(from).size() < node::performer_links_max &&
                        peers_of(to).size() < node::performer_links_max;
  return has_room ? std::nullopt : std::optional(DialProblem::not_accepted);
}

/// How long a dial is without an answer before it is given up.
Duration Network::silence(std::uint32_t from, std::uint32_t to) const {
  const bool is_unanswered =
      hosts_[to].is_dark || (is_silent_ && apart({from, to})) || !barriers_.can_dial(from, to);
  if (is_unanswered) return connect_time_max;
  return hosts_[to].is_paused ? protocol::limits::handshake_time_max : Duration{0};
}

void Network::finish_dial(std::uint32_t from, std::uint64_t life, const node::Connect& wish) {
  if (!hosts_[from].is_up || hosts_[from].life != life) return;
  const protocol::PeerRecord& peer = wish.peer;
  if (const auto problem = obstacle(from, wish)) {
    const auto target = addresses_.find(peer.address);
    const Duration wait = target == addresses_.end() ? Duration{0} : silence(from, target->second);
    return refuse(from, wish, *problem, queue_.now() + wait);
  }
  if (wish.path == PathKind::punched) return finish_punch(from, wish);
  dials_.erase(key_of(from, wish));
  const std::uint32_t to = addresses_.at(peer.address);
  const NodeId& own = hosts_[from].id;
  if (hosts_[to].id == own) {  // the handshake tells both
    refuse(from, wish, DialProblem::self, queue_.now());
    keep_waiting(from, to, wish);
    return keep_waiting(to, from, wish);
  }
  const std::uint32_t other = host_of(to, own);
  const End* older = open_end({to, other});
  const bool is_second =
      older != nullptr && (other != from || older->peer_life != hosts_[from].life);
  is_second ? keep_waiting(to, from, wish) : open(from, to, wish.path);
}

/// A router lets in what answers a packet that went out: both have to dial while the other does.
void Network::finish_punch(std::uint32_t from, const node::Connect& wish) {
  const std::uint32_t to = addresses_.at(wish.peer.address);
  const bool is_met = barriers_.can_dial(from, to) ||
                      (punches_.contains({to, from}) && barriers_.can_punch(from, to));
  if (!is_met) {
    punches_[{from, to}] = wish;
    queue_.schedule(queue_.now() + connect_time_max, [this, from, to, life = hosts_[from].life] {
      const auto missed = punches_.extract({from, to});
      if (missed.empty() || hosts_[from].life != life) return;
      refuse(from, missed.mapped(), DialProblem::timed_out, queue_.now());
    });
    return;
  }
  dials_.erase(key_of(from, wish));
  if (const auto met = punches_.extract({to, from}); !met.empty()) {
    dials_.erase(key_of(to, met.mapped()));
  }
  open(from, to, PathKind::punched);
}

// --- Two processes of one node ---

std::uint32_t Network::host_of(std::uint32_t node, const NodeId& peer) const {
  const std::vector<std::uint32_t>& hosts = index_.at(peer);
  if (hosts.size() == 1) return hosts.front();
  const auto has_link =
      std::ranges::find_if(hosts, [&](std::uint32_t host) { return ends_.contains({node, host}); });
  return has_link == hosts.end() ? hosts.front() : *has_link;
}

void Network::keep_waiting(std::uint32_t at, std::uint32_t newcomer, const node::Connect& dialled) {
  waiting_[{at, hosts_[newcomer].id}] = {newcomer, dialled};
  deliver_(at, node::SecondProcess{.peer = hosts_[newcomer].id,
                                   .incarnation = hosts_[newcomer].incarnation,
                                   .address = address_of(newcomer)});
}

/// The one that waits, if it still does.
std::optional<Network::Waiting> Network::take_waiting(std::uint32_t node, const NodeId& peer,
                                                      std::uint64_t incarnation) {
  auto waiting = waiting_.extract({node, peer});
  if (waiting.empty()) return std::nullopt;
  const Host& host = hosts_[waiting.mapped().newcomer];
  if (!host.is_up || host.incarnation != incarnation) return std::nullopt;
  return std::move(waiting.mapped());
}

void Network::admit(std::uint32_t node, const NodeId& peer, std::uint64_t incarnation) {
  queue_.schedule(queue_.now(), [this, node, peer, incarnation] {
    const auto waiting = take_waiting(node, peer, incarnation);
    if (!waiting) return;
    const std::uint32_t older = host_of(node, peer);
    lose({older, node}, queue_.now() + model_.travel_time(), CloseReason::duplicate_link);
    close_end(node, older, CloseReason::duplicate_link);
    open(waiting->newcomer, node, PathKind::direct);
  });
}

void Network::refuse(std::uint32_t node, const NodeId& peer, std::uint64_t incarnation,
                     Bytes proof) {
  queue_.schedule(queue_.now() + model_.travel_time(), [this, node, peer, incarnation,
                                                        bytes = std::move(proof)]() mutable {
    const auto waiting = take_waiting(node, peer, incarnation);
    const NodeId& self = hosts_[node].id;
    if (!waiting || self == peer) return;
    const std::uint32_t newcomer = waiting->newcomer;
    if (open_end({newcomer, host_of(newcomer, self)}) != nullptr) {
      return refuse(newcomer, waiting->dialled, DialProblem::already_linked, queue_.now());
    }
    // To the one that dialled the link looks established until it is told otherwise.
    deliver_(newcomer,
             node::PeerConnected{.peer = {self, address_of(node)}, .dialled_by_us = true});
    deliver_(newcomer, node::MessageReceived{self, protocol::IdentityProof{std::move(bytes)}});
    deliver_(newcomer, node::PeerDisconnected{self, CloseReason::duplicate_identity});
  });
}

/// Nobody answers whoever waits there any more.
void Network::turn_out(std::uint32_t node) {
  for (auto at = waiting_.lower_bound({node, NodeId{}});
       at != waiting_.end() && at->first.first == node; at = waiting_.erase(at)) {
    const auto& [newcomer, dialled] = at->second;
    refuse(newcomer, dialled, DialProblem::timed_out, queue_.now());
  }
}

void Network::open(std::uint32_t from, std::uint32_t to, PathKind path,
                   std::optional<CircuitKey> opener, std::optional<CircuitKey> called) {
  close_end(from, to, CloseReason::duplicate_link);  // what is left of a link that half ended
  close_end(to, from, CloseReason::duplicate_link);
  links_made_ += 1;
  const auto end_towards = [this](std::uint32_t peer) {
    return End{.link = links_made_,
               .peer_life = hosts_[peer].life,
               .last_control = queue_.now(),
               .last_bulk = queue_.now()};
  };
  ends_[{from, to}] = end_towards(to);
  ends_[{to, from}] = end_towards(from);
  ends_[{from, to}].circuit = std::move(opener);
  ends_[{to, from}].circuit = std::move(called);
  const bool is_direct = path != PathKind::relayed;
  deliver_(from, node::PeerConnected{.peer = {hosts_[to].id, address_of(to)},
                                     .dialled_by_us = true,
                                     .path = path,
                                     .seen_at = is_direct ? address_of(to) : std::string()});
  if (open_end({to, from}) == nullptr) return;
  const bool is_of_both = path == PathKind::punched || path == PathKind::relayed;
  deliver_(to, node::PeerConnected{.peer = {hosts_[from].id, {}},
                                   .dialled_by_us = false,
                                   .path = is_of_both ? path : PathKind::direct,
                                   .seen_at = is_direct ? address_of(from) : std::string()});
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
  const Bytes bytes = wire_bytes(message);
  if (end->circuit) return send_relayed(*end->circuit, message, bytes);
  trace_.note(queue_.now(), from, TraceKind::send, message.index(), bytes);
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
  queue_.schedule(last, [this, from, to, link = end->link,
                         received = read_back(bytes, data_bytes_of(message))]() mutable {
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
  deliver_(to, node::MessageReceived{hosts_[from].id, std::move(message)});
}

}  // namespace starling::sim
