#include "sim/network.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "protocol/limits.h"
#include "protocol/wire/announcement.h"
#include "protocol/wire/wire.h"
#include "starling/check.h"

namespace starling::sim {

namespace {

using protocol::CloseReason;
using protocol::DialProblem;

/// One way: SYN, SYN-ACK, then the three messages of Noise XX.
constexpr int dial_trips = 4;

/// As node/runtime/endpoint.cpp has it: a dial that nothing answers.
constexpr Duration connect_time_max = std::chrono::seconds(5);

/// A bulk's header has an encoding, its data travels raw behind it (wire.h).
Bytes wire_bytes(const protocol::Message& message) {
  const auto* bulk = std::get_if<protocol::Bulk>(&message);
  if (bulk == nullptr) return protocol::encode(message);
  Bytes bytes = protocol::encode(protocol::BulkHeader{.kind = bulk->kind,
                                                      .number = bulk->number,
                                                      .step = bulk->step,
                                                      .degree = bulk->degree,
                                                      .context = bulk->context,
                                                      .bytes = bulk->data.size()});
  bytes.insert(bytes.end(), bulk->data.begin(), bulk->data.end());
  return bytes;
}

/// What the receiver makes of the bytes. Ours are always good: anything else is a bug of the wire.
protocol::Message read_back(const protocol::Message& sent, ByteSpan bytes) {
  const auto* bulk = std::get_if<protocol::Bulk>(&sent);
  const std::size_t head = bytes.size() - (bulk != nullptr ? bulk->data.size() : 0);
  auto decoded = protocol::decode(bytes.first(head));
  STARLING_CHECK(decoded && *decoded);
  if (bulk == nullptr) return std::move(**decoded);
  const auto& header = std::get<protocol::BulkHeader>(**decoded);
  const ByteSpan data = bytes.subspan(head);
  return protocol::Bulk{.kind = header.kind,
                        .number = header.number,
                        .step = header.step,
                        .degree = header.degree,
                        .context = header.context,
                        .data = Bytes(data.begin(), data.end())};
}

}  // namespace

std::string address_of(std::uint32_t index) {
  return "node-" + std::to_string(index) + ":1";
}

Network::Network(EventQueue& queue, Trace& trace, LinkModel model, std::vector<NodeId> ids,
                 Deliver deliver)
    : queue_(queue), trace_(trace), model_(std::move(model)), deliver_(std::move(deliver)) {
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

void Network::connect(std::uint32_t from, const protocol::PeerRecord& peer,
                      protocol::PathKind path) {
  const bool is_known = index_.contains(peer.id);
  if (is_known && open_end({from, host_of(from, peer.id)}) != nullptr) {
    return refuse(from, peer, DialProblem::already_linked, queue_.now());
  }
  if (!dials_.emplace(from, peer.id, peer.address).second) return;
  Instant done = queue_.now();
  for (int trip = 0; trip < dial_trips; ++trip) done = done + model_.travel_time();
  queue_.schedule(done, [this, from, life = hosts_[from].life, peer, path] {
    finish_dial(from, life, peer, path);
  });
}

void Network::refuse(std::uint32_t from, const protocol::PeerRecord& peer, DialProblem problem,
                     Instant at) {
  queue_.schedule(at, [this, from, life = hosts_[from].life, peer, problem] {
    if (hosts_[from].life != life) return;
    dials_.erase({from, peer.id, peer.address});
    deliver_(from, node::ConnectFailed{peer, problem});
  });
}

/// Why the dial leads to no link; nothing if it does.
std::optional<DialProblem> Network::obstacle(std::uint32_t from,
                                             const protocol::PeerRecord& peer) const {
  const auto target = addresses_.find(peer.address);
  if (target == addresses_.end()) return DialProblem::name_unknown;
  const std::uint32_t to = target->second;
  if (to == from) return DialProblem::self;
  const Host& host = hosts_[to];
  if (apart({from, to}) || host.is_dark) return DialProblem::timed_out;
  if (!host.is_up) return DialProblem::refused;
  if (host.is_paused) return DialProblem::timed_out;
  if (peer.id != NodeId{} && peer.id != host.id) return DialProblem::wrong_identity;
  if (linked(from, to)) return DialProblem::already_linked;
  const bool has_room = peers_of(from).size() < node::performer_links_max &&
                        peers_of(to).size() < node::performer_links_max;
  return has_room ? std::nullopt : std::optional(DialProblem::not_accepted);
}

/// How long a dial is without an answer before it is given up.
Duration Network::silence(std::uint32_t from, std::uint32_t to) const {
  const bool is_unanswered = hosts_[to].is_dark || (is_silent_ && apart({from, to}));
  if (is_unanswered) return connect_time_max;
  return hosts_[to].is_paused ? protocol::limits::handshake_time_max : Duration{0};
}

void Network::finish_dial(std::uint32_t from, std::uint64_t life, const protocol::PeerRecord& peer,
                          protocol::PathKind path) {
  if (!hosts_[from].is_up || hosts_[from].life != life) return;
  if (const auto problem = obstacle(from, peer)) {
    const auto target = addresses_.find(peer.address);
    const Duration wait = target == addresses_.end() ? Duration{0} : silence(from, target->second);
    return refuse(from, peer, *problem, queue_.now() + wait);
  }
  dials_.erase({from, peer.id, peer.address});
  const std::uint32_t to = addresses_.at(peer.address);
  const NodeId& own = hosts_[from].id;
  if (hosts_[to].id == own) {  // the handshake tells both
    refuse(from, peer, DialProblem::self, queue_.now());
    keep_waiting(from, to, peer);
    return keep_waiting(to, from, peer);
  }
  const std::uint32_t other = host_of(to, own);
  const End* older = open_end({to, other});
  const bool is_second =
      older != nullptr && (other != from || older->peer_life != hosts_[from].life);
  is_second ? keep_waiting(to, from, peer) : open(from, to, path);
}

// --- Two processes of one node ---

std::uint32_t Network::host_of(std::uint32_t node, const NodeId& peer) const {
  const std::vector<std::uint32_t>& hosts = index_.at(peer);
  if (hosts.size() == 1) return hosts.front();
  const auto has_link =
      std::ranges::find_if(hosts, [&](std::uint32_t host) { return ends_.contains({node, host}); });
  return has_link == hosts.end() ? hosts.front() : *has_link;
}

void Network::keep_waiting(std::uint32_t at, std::uint32_t newcomer,
                           const protocol::PeerRecord& dialled) {
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
    open(waiting->newcomer, node, protocol::PathKind::direct);
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

void Network::open(std::uint32_t from, std::uint32_t to, protocol::PathKind path) {
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
  deliver_(from, node::PeerConnected{
                     .peer = {hosts_[to].id, address_of(to)}, .dialled_by_us = true, .path = path});
  if (open_end({to, from}) == nullptr) return;
  deliver_(to, node::PeerConnected{.peer = {hosts_[from].id, {}}, .dialled_by_us = false});
}

// --- Ends ---

void Network::close_end(std::uint32_t at, std::uint32_t other, CloseReason reason) {
  const auto end = ends_.extract({at, other});
  if (end.empty()) return;
  const bool hung_up = end.mapped().is_closing;
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
  const Instant farewell = std::max(queue_.now() + model_.travel_time(), end->last_control);
  lose({to, from}, farewell, reason);
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
  queue_.schedule(
      last, [this, from, to, link = end->link, received = read_back(message, bytes)]() mutable {
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
  deliver_(to, node::MessageReceived{hosts_[from].id, std::move(message)});
}

}  // namespace starling::sim
