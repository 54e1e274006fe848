// Network: how links come about, from Connect to PeerConnected or ConnectFailed.

#include <algorithm>
#include <optional>
#include <utility>

#include "protocol/limits.h"
#include "sim/network.h"
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
  const auto end_of = [this](std::uint32_t node, std::uint32_t peer) {
    return End{.link = links_made_,
               .peer_life = hosts_[peer].life,
               .last_control = queue_.now(),
               .last_bulk = queue_.now(),
               .gate = protocol::BulkGate(hosts_[node].bulk)};
  };
  ends_[{from, to}] = end_of(from, to);
  ends_[{to, from}] = end_of(to, from);
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

}  // namespace starling::sim
