#include "node/runtime/endpoint.h"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "node/runtime/endpoint_links.h"
#include "node/runtime/link_end.h"
#include "node/runtime/own_address.h"
#include "node/runtime/platform.h"

namespace starling::runtime {

namespace {

namespace limits = protocol::limits;
using protocol::CloseReason;
using protocol::DialProblem;
using protocol::PathKind;
using protocol::PeerRecord;
using protocol::RejectReason;
using Tcp = asio::ip::tcp;
using namespace std::chrono_literals;

// Descriptors may have run out: waiting lets some come free; our guess.
constexpr Duration accept_retry_delay = 100ms;

}  // namespace

bool newer_link_stays(bool older_dialled_by_us, bool newer_dialled_by_us, const NodeId& self,
                      const NodeId& peer) {
  if (older_dialled_by_us == newer_dialled_by_us) return true;
  return newer_dialled_by_us == (self < peer);
}

Endpoint::Links::Links(asio::io_context& network, Listener listener, EndpointOptions options,
                       Sink sink)
    : network_(network),
      acceptor_(network),
      accept_retry_(network),
      listened_on_(parse_host_port(listener.address).value_or(HostPort{})),
      options_(std::move(options)),
      sink_(std::move(sink)),
      resolver_(network),
      circuits_(std::make_shared<CircuitTable>(network)) {
  if (!listener.socket.is_open()) return;  // it only dials
  const bool v6 = listener.address.front() == '[';
  acceptor_.assign(v6 ? Tcp::v6() : Tcp::v4(), listener.socket.release());
}

void Endpoint::Links::accept() {
  acceptor_.async_accept([self = shared_from_this()](std::error_code problem, Tcp::socket socket) {
    if (self->closing_) return;
    if (!problem) self->accepted(std::move(socket));
    // Out of descriptors: a stranger who has proven nothing yet gives up its own.
    if (!problem || self->drop_stranger()) return self->accept();
    self->accept_retry_.expires_after(accept_retry_delay);
    self->accept_retry_.async_wait([self](std::error_code cancelled) {
      if (!cancelled && !self->closing_) self->accept();
    });
  });
}

void Endpoint::Links::accepted(Tcp::socket socket) {
  std::error_code gone;
  const Tcp::endpoint remote = socket.remote_endpoint(gone);
  if (gone) return;
  const bool has_room = links_.size() + dials_.size() < options_.sockets_max || drop_stranger();
  const auto admission =
      has_room ? accept_limits_.admit(address_prefix(host_text(remote.address())), monotonic_now())
               : std::nullopt;
  if (!admission) return sink_(node::InputRejected{RejectReason::flood});
  if (admission->displaced) drop(*admission->displaced);
  add(std::make_shared<SocketTransport>(std::move(socket)),
      {.connection = nullptr, .knock = admission->number, .source = host_text(remote.address())});
}

/// The oldest one of the source that has most of them; false: there is none.
bool Endpoint::Links::drop_stranger() {
  const auto stranger = accept_limits_.displace(monotonic_now());
  if (stranger) drop(*stranger);
  return stranger.has_value();
}

void Endpoint::Links::drop(AcceptLimits::Number knock) {
  const auto found =
      std::ranges::find(links_, knock, [](const auto& entry) { return entry.second.knock; });
  if (found == links_.end()) return;
  found->second.connection->abandon();
  links_.erase(found);
}

void Endpoint::Links::send(const NodeId& peer, protocol::Message message) {
  const auto found = established_.find(peer);
  if (found == established_.end()) return;
  if (const auto refusal = found->second->refuses_to_send(message)) {
    return sink_(node::BulkRefused{.peer = peer, .refusal = *refusal, .is_own = true});
  }
  if (found->second->send(std::move(message))) return;
  disconnect(peer, CloseReason::timed_out);
}

void Endpoint::Links::disconnect(const NodeId& peer, CloseReason reason) {
  if (!established_.contains(peer)) return;  // its end was told already
  hang_up(peer, reason);
  sink_(node::PeerDisconnected{peer, reason});
}

void Endpoint::Links::hang_up(const NodeId& peer, CloseReason reason) {
  Connection& connection = *established_.extract(peer).mapped();
  connection.close(reason);
  circuits_->end_over(peer);
}

void Endpoint::Links::drop_links_of_lost_addresses() {
  std::vector<NodeId> lost;
  for (const auto& [peer, connection] : established_) {
    if (links_.at(connection).path == PathKind::relayed) continue;  // it goes with its relay's link
    const auto host = connection->transport().local_host();
    if (!host || !is_own_host(host_text(*host))) lost.push_back(peer);
  }
  for (const NodeId& peer : lost) disconnect(peer, CloseReason::connection_lost);
}

void Endpoint::Links::pause_reading(bool paused) {
  if (paused_ == paused) return;
  paused_ = paused;
  for (auto& [key, link] : links_) {
    if (!waiting_.contains(*key)) link.connection->pause_reading(paused);
  }
}

void Endpoint::Links::close(CloseReason reason, std::function<void()> released) {
  closing_ = true;
  released_ = std::move(released);
  std::error_code ignored;
  acceptor_.close(ignored);
  accept_retry_.cancel();
  cancel_dials();
  established_.clear();
  waiting_.clear();
  // Those over relays first: their farewells travel over the others.
  for (const bool is_relayed : {true, false}) {
    for (auto& [key, link] : links_) {
      if ((link.path == PathKind::relayed) == is_relayed) link.connection->close(reason);
    }
  }
  if (links_.empty()) released_();
}

void Endpoint::Links::abandon() {
  closing_ = true;
  std::error_code ignored;
  acceptor_.close(ignored);
  accept_retry_.cancel();
  cancel_dials();
  for (auto& [key, link] : links_) link.connection->abandon();
  links_.clear();
}

void Endpoint::Links::cancel_dials() {
  for (const auto& [key, dial] : std::exchange(dials_, {})) {
    if (dial != nullptr) dial->cancel();
  }
  for (const auto& [number, dial] : std::exchange(probes_, {})) dial->cancel();
}

std::optional<DialProblem> Endpoint::Links::objection_to(const Link& link,
                                                         const NodeId& peer) const {
  if (peer == options_.key.id()) return DialProblem::self;
  if (const auto other = established_.find(peer); other != established_.end()) {
    const Link& older = links_.at(other->second);
    const bool was_relayed = older.path == PathKind::relayed;
    const bool is_relayed = link.path == PathKind::relayed;
    if (was_relayed && !is_relayed) return std::nullopt;
    if (is_relayed && !was_relayed) return DialProblem::already_linked;
    const bool older_dialled = older.dialled.has_value();
    const bool stays =
        newer_link_stays(older_dialled, link.dialled.has_value(), options_.key.id(), peer);
    return stays ? std::nullopt : std::optional(DialProblem::already_linked);
  }
  const bool has_room = established_.size() < node::performer_links_max;
  return has_room ? std::nullopt : std::optional(DialProblem::not_accepted);
}

bool Endpoint::Links::is_current(const Connection& connection, const NodeId& peer) const {
  const auto found = established_.find(peer);
  return found != established_.end() && found->second == &connection;
}

void Endpoint::Links::on_established(Connection& connection,
                                     const protocol::SessionEstablished& established) {
  Link& link = links_.at(&connection);
  if (link.probe) {  // it is there; our last words of the handshake are not sent
    const Probe asked = *link.probe;
    connection.abandon();
    links_.erase(&connection);
    return probed(asked, true);
  }
  link.peer = established.peer;
  link.incarnation = established.incarnation;
  accept_limits_.handshake_ended(link.knock);
  if (is_second_process(link)) return keep_waiting(connection, link);
  if (const auto problem = objection_to(link, established.peer)) {
    return turn_away(connection, *problem);
  }
  link_up(connection, link);
}

/// Two processes with one key: one of them is a copy, or has died without our knowing.
bool Endpoint::Links::is_second_process(const Link& link) const {
  if (*link.peer == options_.key.id()) return link.incarnation != options_.incarnation;
  const auto other = established_.find(*link.peer);
  return other != established_.end() && links_.at(other->second).incarnation != link.incarnation;
}

void Endpoint::Links::keep_waiting(Connection& connection, const Link& link) {
  if (!waiting_.enter(*link.peer, connection, link.incarnation)) {
    return turn_away(connection, DialProblem::already_linked);
  }
  connection.pause_reading(true);
  sink_(node::SecondProcess{.peer = *link.peer,
                            .incarnation = link.incarnation,
                            .address = link.dialled ? link.dialled->peer.address : link.source});
}

void Endpoint::Links::admit(const NodeId& peer, std::uint64_t incarnation) {
  auto waiting = waiting_.take(peer, incarnation);
  if (!waiting) return;
  Connection& connection = *waiting->connection;
  link_up(connection, links_.at(&connection));
  for (protocol::Message& message : waiting->messages) on_message(connection, std::move(message));
  connection.pause_reading(paused_);
}

void Endpoint::Links::refuse(const NodeId& peer, std::uint64_t incarnation, Bytes proof) {
  const auto waiting = waiting_.take(peer, incarnation);
  if (!waiting) return;
  Connection& connection = *waiting->connection;
  if (!proof.empty()) {
    static_cast<void>(connection.send(protocol::IdentityProof{std::move(proof)}));
  }
  const std::optional<node::Connect> dialled = links_.at(&connection).dialled;
  connection.close(CloseReason::duplicate_identity);
  if (!dialled) return;
  const bool is_self = peer == options_.key.id();
  dial_failed(*dialled, is_self ? DialProblem::self : DialProblem::already_linked);
}

/// The peer's one link from now on.
void Endpoint::Links::link_up(Connection& connection, const Link& link) {
  const NodeId& peer = *link.peer;
  if (link.dialled) dials_.erase(key_of(*link.dialled));
  if (link.dialled) details_.erase(key_of(*link.dialled));
  const bool duplicate = established_.contains(peer);
  if (duplicate) hang_up(peer, CloseReason::duplicate_link);
  // Before the core hears of anything: it must not find the peer unlinked, and dial it again.
  established_[peer] = &connection;
  if (duplicate) sink_(node::PeerDisconnected{peer, CloseReason::duplicate_link});
  sink_(
      node::PeerConnected{.peer = {peer, link.dialled ? link.dialled->peer.address : std::string{}},
                          .dialled_by_us = link.dialled.has_value(),
                          .path = link.path,
                          .seen_at = connection.transport().remote_address()});
}

void Endpoint::Links::turn_away(Connection& connection, DialProblem problem) {
  const std::optional<node::Connect> dialled = links_.at(&connection).dialled;
  connection.close(close_reason_of(problem));
  if (!dialled) return;
  problem == DialProblem::self ? dial_on(*dialled, problem) : dial_failed(*dialled, problem);
}

void Endpoint::Links::on_message(Connection& connection, protocol::Message message) {
  const NodeId& peer = *links_.at(&connection).peer;
  if (waiting_.contains(connection)) return waiting_.keep(peer, std::move(message));
  if (!is_current(connection, peer)) return;  // we hung up while a batch was being handed over
  if (take_circuit_message(connection, peer, message)) return;
  sink_(node::MessageReceived{peer, std::move(message)});
}

void Endpoint::Links::on_bulk_progressed(Connection& connection,
                                         const protocol::SessionBulkProgressed& progress) {
  const auto& peer = links_.at(&connection).peer;
  if (!peer || !is_current(connection, *peer)) return;
  sink_(node::BulkProgressed{*peer, progress.header.kind, progress.header.number});
}

void Endpoint::Links::on_bulk_refused(Connection& connection,
                                      const protocol::BulkRefusal& refusal) {
  const auto& peer = links_.at(&connection).peer;
  if (peer) sink_(node::BulkRefused{.peer = *peer, .refusal = refusal});
}

void Endpoint::Links::on_closed(Connection& connection, const protocol::SessionClosed& closed) {
  const Link link = links_.at(&connection);
  const auto* rejected = std::get_if<RejectReason>(&closed.why);
  if (rejected != nullptr) sink_(node::InputRejected{*rejected});
  if (waiting_.leave(connection)) {
    if (link.dialled) dial_on(*link.dialled, dial_problem_of(closed));
    return;
  }
  if (link.probe) return probed(*link.probe, false);
  if (!link.peer) {
    accept_limits_.handshake_ended(link.knock);
    if (!link.dialled) return;
    details_[key_of(*link.dialled)] = closed.detail;
    return handshake_failed(*link.dialled, closed);
  }
  if (!is_current(connection, *link.peer)) return;
  established_.erase(*link.peer);
  circuits_->end_over(*link.peer);
  sink_(node::PeerDisconnected{*link.peer, rejected != nullptr
                                               ? close_reason_of(*rejected)
                                               : std::get<CloseReason>(closed.why)});
}

void Endpoint::Links::on_released(Connection& connection) {
  const auto found = links_.find(&connection);
  accept_limits_.leave(found->second.knock, monotonic_now());
  links_.erase(found);
  if (closing_ && links_.empty()) released_();
}

void Endpoint::Links::on_traffic(std::uint64_t bytes_sent, std::uint64_t bytes_received) {
  traffic_.bytes_sent += bytes_sent;
  traffic_.bytes_received += bytes_received;
}

Endpoint::Endpoint(asio::io_context& network, Listener listener, EndpointOptions options, Sink sink)
    : links_(std::make_shared<Links>(network, std::move(listener), std::move(options),
                                     std::move(sink))) {}

Endpoint::~Endpoint() {
  links_->abandon();
}

void Endpoint::start() {
  links_->start();
}

void Endpoint::connect(const PeerRecord& peer, PathKind path, const NodeId& via) {
  links_->connect({peer, path, via});
}

void Endpoint::probe(const PeerRecord& peer, std::uint64_t nonce) {
  links_->probe(peer, nonce);
}

void Endpoint::send(const NodeId& peer, protocol::Message message) {
  links_->send(peer, std::move(message));
}

void Endpoint::disconnect(const NodeId& peer, CloseReason reason) {
  links_->disconnect(peer, reason);
}

void Endpoint::admit(const NodeId& peer, std::uint64_t incarnation) {
  links_->admit(peer, incarnation);
}

void Endpoint::refuse(const NodeId& peer, std::uint64_t incarnation, Bytes proof) {
  links_->refuse(peer, incarnation, std::move(proof));
}

void Endpoint::drop_links_of_lost_addresses() {
  links_->drop_links_of_lost_addresses();
}

void Endpoint::pause_reading(bool paused) {
  links_->pause_reading(paused);
}

void Endpoint::close(CloseReason reason, std::function<void()> released) {
  links_->close(reason, std::move(released));
}

Traffic Endpoint::traffic() const {
  return links_->traffic();
}

}  // namespace starling::runtime
