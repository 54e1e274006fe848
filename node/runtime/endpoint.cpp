#include "node/runtime/endpoint.h"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "crypto/node_handshake.h"
#include "node/runtime/accept_limits.h"
#include "node/runtime/certificate_cache.h"
#include "node/runtime/connection.h"
#include "node/runtime/dial.h"
#include "node/runtime/link_end.h"
#include "node/runtime/own_address.h"
#include "node/runtime/platform.h"
#include "node/runtime/resolver.h"
#include "node/runtime/waiting_room.h"

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
constexpr NodeId no_id{};

/// An IPv4 peer of a listener for both families counts as what it is.
std::string host_text(const asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address.to_string();
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
}

}  // namespace

bool newer_link_stays(bool older_dialled_by_us, bool newer_dialled_by_us, const NodeId& self,
                      const NodeId& peer) {
  if (older_dialled_by_us == newer_dialled_by_us) return true;
  return newer_dialled_by_us == (self < peer);
}

/// The state behind Endpoint; shared with the handlers of the acceptor and of dials under way.
class Endpoint::Links : public Connection::Owner, public std::enable_shared_from_this<Links> {
 public:
  Links(asio::io_context& network, Listener listener, EndpointOptions options, Sink sink);

  void start() { accept(); }
  void connect(const PeerRecord& peer, PathKind path);
  void send(const NodeId& peer, protocol::Message message);
  void disconnect(const NodeId& peer, CloseReason reason);
  void admit(const NodeId& peer, std::uint64_t incarnation);
  void refuse(const NodeId& peer, std::uint64_t incarnation, Bytes proof);
  void drop_links_of_lost_addresses();
  void pause_reading(bool paused);
  void close(CloseReason reason, std::function<void()> released);
  void abandon();
  void cancel_dials();
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }

 private:
  /// Who is dialled, and where.
  using DialKey = std::pair<NodeId, std::string>;
  static DialKey key_of(const PeerRecord& peer) { return {peer.id, peer.address}; }

  struct Link {
    std::shared_ptr<Connection> connection;
    std::optional<PeerRecord> dialled;  ///< Empty: accepted.
    PathKind path = PathKind::direct;
    AcceptLimits::Number knock = 0;   ///< Of an accepted one, for the limits.
    std::string source = {};          ///< Host of an accepted one.
    std::optional<NodeId> peer = {};  ///< Set: established.
    std::uint64_t incarnation = 0;    ///< Of the peer's process, once established.
  };

  void accept();
  void accepted(Tcp::socket socket);
  bool drop_stranger();
  void drop(AcceptLimits::Number knock);
  void dialled(const PeerRecord& peer, PathKind path, std::optional<DialProblem> problem,
               Tcp::socket socket);
  void dial_failed(const PeerRecord& peer, DialProblem problem);
  void handshake_failed(const PeerRecord& peer, const protocol::SessionClosed& closed);
  void dial_on(const PeerRecord& peer, DialProblem problem);
  [[nodiscard]] bool is_self(const Tcp::endpoint& target) const;
  void add(Tcp::socket socket, Link link);
  [[nodiscard]] protocol::SessionOptions session_options(const std::optional<PeerRecord>& dialled);
  /// Why an authenticated peer gets no link; nothing if it does.
  [[nodiscard]] std::optional<DialProblem> objection_to(const Link& link, const NodeId& peer) const;
  void turn_away(Connection& connection, DialProblem problem);
  [[nodiscard]] bool is_current(const Connection& connection, const NodeId& peer) const;
  /// Ends the link; what the core hears of it is the caller's affair.
  void hang_up(const NodeId& peer, CloseReason reason);

  [[nodiscard]] bool is_second_process(const Link& link) const;
  void keep_waiting(Connection& connection, const Link& link);
  void link_up(Connection& connection, const Link& link);

  void on_established(Connection& connection,
                      const protocol::SessionEstablished& established) override;
  void on_message(Connection& connection, protocol::Message message) override;
  void on_closed(Connection& connection, const protocol::SessionClosed& closed) override;
  void on_released(Connection& connection) override;
  void on_traffic(std::uint64_t bytes_sent, std::uint64_t bytes_received) override;

  asio::io_context& network_;
  Tcp::acceptor acceptor_;
  asio::steady_timer accept_retry_;
  HostPort listened_on_;
  EndpointOptions options_;
  Sink sink_;
  std::function<void()> released_;
  bool closing_ = false;
  bool paused_ = false;
  Traffic traffic_;
  AcceptLimits accept_limits_;
  CertificateCache certificate_;
  Resolver resolver_;
  std::map<const Connection*, Link> links_;    // every open socket
  std::map<NodeId, Connection*> established_;  // at most one link per peer
  WaitingRoom waiting_;
  std::map<DialKey, std::shared_ptr<Dial>> dials_;   // until established or failed
  std::map<DialKey, protocol::DialDetail> details_;  // of the latest handshake of such a dial
};

Endpoint::Links::Links(asio::io_context& network, Listener listener, EndpointOptions options,
                       Sink sink)
    : network_(network),
      acceptor_(network),
      accept_retry_(network),
      listened_on_(parse_host_port(listener.address).value_or(HostPort{})),
      options_(std::move(options)),
      sink_(std::move(sink)),
      resolver_(network) {
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
  add(std::move(socket), {.connection = nullptr,
                          .dialled = {},
                          .path = PathKind::direct,
                          .knock = admission->number,
                          .source = host_text(remote.address())});
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

void Endpoint::Links::connect(const PeerRecord& peer, PathKind path) {
  if (closing_) return;
  if (established_.contains(peer.id)) return dial_failed(peer, DialProblem::already_linked);
  if (dials_.contains(key_of(peer))) return;  // its answer is the answer to this one too
  if (links_.size() + dials_.size() >= options_.sockets_max) drop_stranger();
  std::shared_ptr<Dial>& dial = dials_[key_of(peer)];
  dial = std::make_shared<Dial>(
      network_, resolver_,
      DialOptions{.address = peer.address,
                  .source_port = listened_on_.port_number(),
                  .is_self = [this](const Tcp::endpoint& target) { return is_self(target); }},
      [self = shared_from_this(), peer, path](std::optional<DialProblem> problem,
                                              Tcp::socket socket) {
        self->dialled(peer, path, problem, std::move(socket));
      });
  dial->start();
}

bool Endpoint::Links::is_self(const Tcp::endpoint& target) const {
  if (target.port() != listened_on_.port_number()) return false;
  const std::string host = target.address().to_string();
  return is_wildcard(listened_on_.host) ? is_own_host(host) : host == listened_on_.host;
}

void Endpoint::Links::dialled(const PeerRecord& peer, PathKind path,
                              std::optional<DialProblem> problem, Tcp::socket socket) {
  if (closing_) return;
  if (problem) return dial_failed(peer, *problem);
  add(std::move(socket), {.connection = nullptr, .dialled = peer, .path = path});
}

void Endpoint::Links::dial_failed(const PeerRecord& peer, DialProblem problem) {
  dials_.erase(key_of(peer));
  const auto detail = details_.extract(key_of(peer));
  sink_(node::ConnectFailed{peer, problem,
                            detail.empty() ? protocol::DialDetail{} : detail.mapped()});
}

void Endpoint::Links::handshake_failed(const PeerRecord& peer,
                                       const protocol::SessionClosed& closed) {
  const auto dial = dials_.find(key_of(peer));
  const bool is_dialled_again =
      dial != dials_.end() && may_have_crossed(closed) && dial->second->dial_from_another_port();
  if (!is_dialled_again) dial_on(peer, dial_problem_of(closed));
}

/// Whoever was reached was not the one meant; another address of the peer may lead to it.
void Endpoint::Links::dial_on(const PeerRecord& peer, DialProblem problem) {
  if (const auto dial = dials_.find(key_of(peer)); dial != dials_.end()) {
    dial->second->resume(problem);
  }
}

void Endpoint::Links::add(Tcp::socket socket, Link link) {
  link.connection =
      std::make_shared<Connection>(std::move(socket), session_options(link.dialled), *this);
  Connection& connection = *link.connection;
  links_.emplace(&connection, std::move(link));
  connection.start();
  connection.pause_reading(paused_);
}

protocol::SessionOptions Endpoint::Links::session_options(
    const std::optional<PeerRecord>& dialled) {
  const bool names_peer = dialled && dialled->id != no_id;
  return {.handshake = {.role = dialled ? crypto::HandshakeRole::initiator
                                        : crypto::HandshakeRole::responder,
                        .protocol_version = limits::protocol_version,
                        .run = options_.run,
                        .psk = options_.psk,
                        .self = certificate_.of(options_.key, options_.run),
                        .incarnation = options_.incarnation,
                        .ephemeral_secret = random_secret(),
                        .expected_peer = names_peer ? std::optional(dialled->id) : std::nullopt,
                        .now = unix_now(),
                        .rekey_interval_frames = limits::rekey_interval_frames},
          .bulk_bytes_max = options_.bulk_bytes_max};
}

void Endpoint::Links::send(const NodeId& peer, protocol::Message message) {
  const auto found = established_.find(peer);
  if (found == established_.end() || found->second->send(std::move(message))) return;
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
}

void Endpoint::Links::drop_links_of_lost_addresses() {
  std::vector<NodeId> lost;
  for (const auto& [peer, connection] : established_) {
    const auto host = connection->local_host();
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
  for (auto& [key, link] : links_) link.connection->close(reason);
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
  for (const auto& [key, dial] : std::exchange(dials_, {})) dial->cancel();
}

std::optional<DialProblem> Endpoint::Links::objection_to(const Link& link,
                                                         const NodeId& peer) const {
  if (peer == options_.key.id()) return DialProblem::self;
  if (const auto other = established_.find(peer); other != established_.end()) {
    const bool older_dialled = links_.at(other->second).dialled.has_value();
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
                            .address = link.dialled ? link.dialled->address : link.source});
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
  const std::optional<PeerRecord> dialled = links_.at(&connection).dialled;
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
  const PeerRecord record{peer, link.dialled ? link.dialled->address : std::string{}};
  sink_(node::PeerConnected{
      .peer = record, .dialled_by_us = link.dialled.has_value(), .path = link.path});
}

void Endpoint::Links::turn_away(Connection& connection, DialProblem problem) {
  const std::optional<PeerRecord> dialled = links_.at(&connection).dialled;
  connection.close(close_reason_of(problem));
  if (!dialled) return;
  problem == DialProblem::self ? dial_on(*dialled, problem) : dial_failed(*dialled, problem);
}

void Endpoint::Links::on_message(Connection& connection, protocol::Message message) {
  const NodeId& peer = *links_.at(&connection).peer;
  if (waiting_.contains(connection)) return waiting_.keep(peer, std::move(message));
  if (!is_current(connection, peer)) return;  // we hung up while a batch was being handed over
  sink_(node::MessageReceived{peer, std::move(message)});
}

void Endpoint::Links::on_closed(Connection& connection, const protocol::SessionClosed& closed) {
  const Link link = links_.at(&connection);
  const auto* rejected = std::get_if<RejectReason>(&closed.why);
  if (rejected != nullptr) sink_(node::InputRejected{*rejected});
  if (waiting_.leave(connection)) {
    if (link.dialled) dial_on(*link.dialled, dial_problem_of(closed));
    return;
  }
  if (!link.peer) {
    accept_limits_.handshake_ended(link.knock);
    if (!link.dialled) return;
    details_[key_of(*link.dialled)] = closed.detail;
    return handshake_failed(*link.dialled, closed);
  }
  if (!is_current(connection, *link.peer)) return;
  established_.erase(*link.peer);
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

void Endpoint::connect(const PeerRecord& peer, PathKind path) {
  links_->connect(peer, path);
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
