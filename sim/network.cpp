#include "sim/network.h"

#include <algorithm>
#include <optional>

#include "protocol/limits.h"
#include "protocol/wire/wire.h"
#include "starling/check.h"

namespace starling::sim {

namespace {

using protocol::CloseReason;

/// One way: SYN, SYN-ACK, then the three messages of Noise XX.
constexpr int dial_trips = 4;

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
    index_[id] = index;
    addresses_[address_of(index)] = index;
    hosts_.push_back({.id = id});
  }
}

bool Network::linked(std::uint32_t a, std::uint32_t b) const {
  const auto one = ends_.find({a, b});
  const auto other = ends_.find({b, a});
  return one != ends_.end() && other != ends_.end() && one->second.link == other->second.link;
}

std::vector<std::uint32_t> Network::peers_of(std::uint32_t node) const {
  std::vector<std::uint32_t> peers;
  for (auto end = ends_.lower_bound({node, 0}); end != ends_.end() && end->first.first == node;
       ++end) {
    peers.push_back(end->first.second);
  }
  return peers;
}

void Network::start(std::uint32_t node) {
  hosts_[node].is_up = true;
  hosts_[node].life += 1;
}

void Network::stop(std::uint32_t node) {
  hosts_[node].is_up = false;
  for (const auto& [direction, end] : ends_) {
    if (direction.second != node) continue;
    lose(direction, queue_.now() + model_.travel_time(), CloseReason::connection_lost);
  }
  for (const std::uint32_t peer : peers_of(node)) ends_.erase({node, peer});
}

void Network::cut(std::uint32_t a, std::uint32_t b) {
  for (const Direction& end : {Direction{a, b}, Direction{b, a}}) {
    lose(end, queue_.now() + model_.travel_time(), CloseReason::connection_lost);
  }
}

void Network::partition(const std::vector<std::uint32_t>& groups) {
  for (std::size_t node = 0; node < hosts_.size(); ++node) hosts_[node].group = groups[node];
  for (const auto& [direction, end] : ends_) {
    if (groups[direction.first] == groups[direction.second]) continue;
    lose(direction, queue_.now() + model_.travel_time(), CloseReason::connection_lost);
  }
}

// --- Dials ---

void Network::connect(std::uint32_t from, const protocol::PeerRecord& peer) {
  Instant done = queue_.now();
  for (int trip = 0; trip < dial_trips; ++trip) done = done + model_.travel_time();
  queue_.schedule(done,
                  [this, from, life = hosts_[from].life, peer] { finish_dial(from, life, peer); });
}

void Network::refuse(std::uint32_t from, std::uint64_t life, const protocol::PeerRecord& peer,
                     Instant at) {
  queue_.schedule(at, [this, from, life, peer] {
    if (hosts_[from].life == life) deliver_(from, node::ConnectFailed{peer});
  });
}

void Network::finish_dial(std::uint32_t from, std::uint64_t life,
                          const protocol::PeerRecord& peer) {
  if (!hosts_[from].is_up || hosts_[from].life != life) return;
  const auto target = addresses_.find(peer.address);
  if (target == addresses_.end() || target->second == from) {
    return refuse(from, life, peer, queue_.now());
  }
  const Host& host = hosts_[target->second];
  const bool is_other = peer.id != NodeId{} && peer.id != host.id;
  if (!host.is_up || host.group != hosts_[from].group || is_other) {
    return refuse(from, life, peer, queue_.now());
  }
  if (host.is_paused) {
    return refuse(from, life, peer, queue_.now() + protocol::limits::handshake_time_max);
  }
  // Of two links between the same nodes one is closed without a word (node/runtime/endpoint.h).
  if (!linked(from, target->second)) open(from, target->second);
}

void Network::open(std::uint32_t from, std::uint32_t to) {
  close_end(from, to, CloseReason::duplicate_link);  // what is left of a link that half ended
  close_end(to, from, CloseReason::duplicate_link);
  links_made_ += 1;
  const End end{.link = links_made_, .last_control = queue_.now(), .last_bulk = queue_.now()};
  ends_[{from, to}] = end;
  ends_[{to, from}] = end;
  deliver_(from,
           node::PeerConnected{.peer = {hosts_[to].id, address_of(to)}, .dialled_by_us = true});
  if (!linked(from, to)) return;
  deliver_(to, node::PeerConnected{.peer = {hosts_[from].id, {}}, .dialled_by_us = false});
}

// --- Ends ---

void Network::close_end(std::uint32_t at, std::uint32_t other, CloseReason reason) {
  if (ends_.erase({at, other}) == 0) return;
  deliver_(at, node::PeerDisconnected{hosts_[other].id, reason});
}

void Network::lose(Direction end, Instant when, CloseReason reason) {
  const auto found = ends_.find(end);
  if (found == ends_.end()) return;
  queue_.schedule(when, [this, end, link = found->second.link, reason] {
    const auto open = ends_.find(end);
    if (open == ends_.end() || open->second.link != link) return;
    close_end(end.first, end.second, reason);
  });
}

void Network::disconnect(std::uint32_t from, const NodeId& peer, CloseReason reason) {
  const std::uint32_t to = index_.at(peer);
  const auto end = ends_.find({from, to});
  if (end == ends_.end()) return;
  const Instant farewell = std::max(queue_.now() + model_.travel_time(), end->second.last_control);
  lose({to, from}, farewell, reason);
  ends_.erase(end);
  queue_.schedule(queue_.now(), [this, from, peer, reason, life = hosts_[from].life] {
    if (hosts_[from].life == life) deliver_(from, node::PeerDisconnected{peer, reason});
  });
}

// --- Messages ---

void Network::send(std::uint32_t from, const NodeId& peer, const protocol::Message& message) {
  const std::uint32_t to = index_.at(peer);
  const auto end = ends_.find({from, to});
  if (end == ends_.end()) return;
  const Bytes bytes = wire_bytes(message);
  trace_.note(queue_.now(), from, TraceKind::send, message.index(), bytes);
  hosts_[from].bytes_sent += bytes.size();
  Traffic& of_kind = traffic_[message.index()];
  of_kind.messages += 1;
  of_kind.bytes += bytes.size();
  const bool is_bulk = std::holds_alternative<protocol::Bulk>(message);
  Instant& last = is_bulk ? end->second.last_bulk : end->second.last_control;
  if (is_bulk) {
    // One stream carries both: bulk lets control pass, and never passes control sent before it.
    last = std::max(
        {last, end->second.last_control, model_.bulk_arrival(from, bytes.size(), queue_.now())});
  } else {
    last = std::max(last, model_.control_arrival(from, bytes.size(), queue_.now()));
  }
  queue_.schedule(last, [this, from, to, link = end->second.link,
                         received = read_back(message, bytes)]() mutable {
    arrive({from, to}, link, std::move(received));
  });
}

void Network::arrive(Direction direction, std::uint64_t link, protocol::Message message) {
  const auto [from, to] = direction;
  const auto end = ends_.find({to, from});
  if (end == ends_.end() || end->second.link != link) return;
  deliver_(to, node::MessageReceived{hosts_[from].id, std::move(message)});
}

}  // namespace starling::sim
