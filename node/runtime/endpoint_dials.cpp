// Endpoint: whom it dials, directly or over a relay, and what it probes.

#include "crypto/node_handshake.h"
#include "node/runtime/endpoint_links.h"
#include "node/runtime/link_end.h"
#include "node/runtime/own_address.h"
#include "node/runtime/platform.h"

namespace starling::runtime {

namespace {

namespace limits = protocol::limits;
using protocol::DialProblem;
using protocol::PathKind;
using protocol::PeerRecord;
using Tcp = asio::ip::tcp;

constexpr NodeId no_id{};

}  // namespace

void Endpoint::Links::connect(const node::Connect& wish) {
  if (closing_) return;
  const auto link = established_.find(wish.peer.id);
  const bool may_replace = link != established_.end() && wish.path != PathKind::relayed &&
                           links_.at(link->second).path == PathKind::relayed;
  if (link != established_.end() && !may_replace) {
    return dial_failed(wish, DialProblem::already_linked);
  }
  if (dials_.contains(key_of(wish))) return;  // its answer is the answer to this one too
  if (wish.path == PathKind::relayed) return open_circuit(wish);
  if (links_.size() + dials_.size() >= options_.sockets_max) drop_stranger();
  std::shared_ptr<Dial>& dial = dials_[key_of(wish)];
  dial = std::make_shared<Dial>(
      network_, resolver_,
      DialOptions{.address = wish.peer.address,
                  .source_port = listened_on_.port_number(),
                  .needs_source_port = wish.path == PathKind::punched,
                  .is_self = [this](const Tcp::endpoint& target) { return is_self(target); }},
      [self = shared_from_this(), wish](std::optional<DialProblem> problem, Tcp::socket socket) {
        self->dialled(wish, problem, std::move(socket));
      });
  dial->start();
}

bool Endpoint::Links::is_self(const Tcp::endpoint& target) const {
  if (target.port() != listened_on_.port_number()) return false;
  const std::string host = target.address().to_string();
  return is_wildcard(listened_on_.host) ? is_own_host(host) : host == listened_on_.host;
}

void Endpoint::Links::dialled(const node::Connect& wish, std::optional<DialProblem> problem,
                              Tcp::socket socket) {
  if (closing_) return;
  if (problem) return dial_failed(wish, *problem);
  add(std::make_shared<SocketTransport>(std::move(socket)),
      {.connection = nullptr, .dialled = wish, .path = wish.path});
}

void Endpoint::Links::dial_failed(const node::Connect& wish, DialProblem problem) {
  dials_.erase(key_of(wish));
  const auto detail = details_.extract(key_of(wish));
  sink_(node::ConnectFailed{.peer = wish.peer,
                            .problem = problem,
                            .detail = detail.empty() ? protocol::DialDetail{} : detail.mapped(),
                            .path = wish.path,
                            .via = wish.via});
}

void Endpoint::Links::handshake_failed(const node::Connect& wish,
                                       const protocol::SessionClosed& closed) {
  const auto dial = dials_.find(key_of(wish));
  const bool is_dialled_again = dial != dials_.end() && dial->second != nullptr &&
                                may_have_crossed(closed) && dial->second->dial_from_another_port();
  if (!is_dialled_again) dial_on(wish, dial_problem_of(closed));
}

/// Whoever was reached was not the one meant; another address of the peer may lead to it.
void Endpoint::Links::dial_on(const node::Connect& wish, DialProblem problem) {
  const auto dial = dials_.find(key_of(wish));
  if (dial == dials_.end()) return;
  if (dial->second == nullptr) return dial_failed(wish, problem);
  dial->second->resume(problem);
}

void Endpoint::Links::add(std::shared_ptr<Transport> transport, Link link) {
  link.connection =
      std::make_shared<Connection>(std::move(transport), session_options(link), *this);
  Connection& connection = *link.connection;
  links_.emplace(&connection, std::move(link));
  connection.start();
  connection.pause_reading(paused_);
}

protocol::SessionOptions Endpoint::Links::session_options(const Link& link) {
  const bool dials = link.dialled || link.probe;
  NodeId wanted = no_id;
  if (link.dialled) wanted = link.dialled->peer.id;
  if (link.probe) wanted = link.probe->peer.id;
  const bool is_relayed = link.path == PathKind::relayed;
  const bool may_cross = dials && link.path == PathKind::punched;
  return {.handshake = {.role = dials ? crypto::HandshakeRole::initiator
                                      : crypto::HandshakeRole::responder,
                        .protocol_version = limits::protocol_version,
                        .run = options_.run,
                        .psk = options_.psk,
                        .self = certificate_.of(options_.key, options_.run),
                        .incarnation = options_.incarnation,
                        .ephemeral_secret = random_secret(),
                        .expected_peer = wanted != no_id ? std::optional(wanted) : std::nullopt,
                        .now = unix_now(),
                        .rekey_interval_frames = limits::rekey_interval_frames},
          .bulk = options_.bulk,
          .bulk_frame_bytes =
              is_relayed ? limits::relayed_bulk_frame_bytes : limits::bulk_plaintext_bytes_max,
          .crossing_secret = may_cross ? std::optional(random_secret()) : std::nullopt};
}

// --- Circuits over relays ---

std::shared_ptr<Transport> Endpoint::Links::circuit_over(Connection& relay_link,
                                                         const NodeId& relay,
                                                         std::uint64_t number) {
  return circuits_->make(relay, number,
                         [link = std::weak_ptr(links_.at(&relay_link).connection)](auto message) {
                           const auto connection = link.lock();
                           return connection && connection->send(std::move(message));
                         });
}

void Endpoint::Links::open_circuit(const node::Connect& wish) {
  const auto relay = established_.find(wish.via);
  const bool is_usable =
      relay != established_.end() && links_.at(relay->second).path != PathKind::relayed;
  if (!is_usable) return dial_failed(wish, DialProblem::unreachable);
  dials_[key_of(wish)] = nullptr;
  const std::uint64_t number = random_nonzero();
  auto circuit = circuit_over(*relay->second, wish.via, number);
  send(wish.via, protocol::CircuitOpen{number, options_.key.id(), wish.peer.id});
  add(std::move(circuit), {.connection = nullptr, .dialled = wish, .path = PathKind::relayed});
}

bool Endpoint::Links::take_circuit_message(Connection& from, const NodeId& relay,
                                           const protocol::Message& message) {
  const auto* open = std::get_if<protocol::CircuitOpen>(&message);
  if (open == nullptr || open->target != options_.key.id()) return circuits_->take(relay, message);
  const bool may_knock =
      links_.at(&from).path != PathKind::relayed && circuits_->has_room(relay, open->circuit);
  // A relay counts as a place that strangers come from.
  const auto admission =
      may_knock ? accept_limits_.admit("relay " + relay.hex(), monotonic_now()) : std::nullopt;
  if (!admission) {
    send(relay, protocol::CircuitClose{open->circuit, protocol::CircuitEnd::too_many});
    return true;
  }
  if (admission->displaced) drop(*admission->displaced);
  add(circuit_over(from, relay, open->circuit),
      {.connection = nullptr, .path = PathKind::relayed, .knock = admission->number});
  return true;
}

// --- Probes ---

void Endpoint::Links::probe(const PeerRecord& peer, std::uint64_t nonce) {
  if (closing_) return;
  const std::uint64_t number = ++probes_made_;
  const Probe asked{peer, nonce};
  auto& dial = probes_[number];
  dial = std::make_shared<Dial>(network_, resolver_,
                                DialOptions{.address = peer.address, .is_self = {}},
                                [self = shared_from_this(), asked, number](
                                    std::optional<DialProblem> problem, Tcp::socket socket) {
                                  self->probes_.erase(number);
                                  if (self->closing_) return;
                                  if (problem) return self->probed(asked, false);
                                  self->add(std::make_shared<SocketTransport>(std::move(socket)),
                                            {.connection = nullptr, .probe = asked});
                                });
  dial->start();
}

void Endpoint::Links::probed(const Probe& probe, bool is_reached) {
  sink_(node::AddressProbed{.peer = probe.peer.id, .nonce = probe.nonce, .is_reached = is_reached});
}

}  // namespace starling::runtime
