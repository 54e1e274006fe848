#include "node/runtime/endpoint.h"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "crypto/node_handshake.h"
#include "node/runtime/accept_limits.h"
#include "node/runtime/connection.h"
#include "node/runtime/dial.h"
#include "node/runtime/platform.h"

namespace starling::runtime {

namespace {

namespace limits = protocol::limits;
using protocol::CloseReason;
using protocol::PeerRecord;
using protocol::RejectReason;
using Tcp = asio::ip::tcp;
using namespace std::chrono_literals;

// A SYN is retried after 1 s and 3 s (RFC 6298, Linux): time for the second retry.
constexpr Duration connect_time_max = 5s;
// Descriptors may have run out: waiting lets some come free; our guess.
constexpr Duration accept_retry_delay = 100ms;
// A static key is used for new handshakes during the first half of this time.
constexpr std::int64_t certificate_seconds = 24 * 3600;

constexpr NodeId no_id{};

CloseReason close_reason_of(RejectReason reason) {
  switch (reason) {
    case RejectReason::stalled:
    case RejectReason::handshake_slow:
      return CloseReason::timed_out;
    case RejectReason::truncated:
      return CloseReason::connection_lost;
    default:
      return CloseReason::misbehaviour;
  }
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
  void connect(const PeerRecord& peer);
  void send(const NodeId& peer, protocol::Message message);
  void disconnect(const NodeId& peer, CloseReason reason);
  void pause_reading(bool paused);
  void close(CloseReason reason, std::function<void()> released);
  void abandon();
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }

 private:
  struct Link {
    std::shared_ptr<Connection> connection;
    std::optional<PeerRecord> dialled;  ///< Empty: accepted.
    std::string prefix = {};            ///< Of an accepted one, for the limits.
    std::optional<NodeId> peer = {};    ///< Set: established.
  };

  void accept();
  void accepted(Tcp::socket socket);
  void dialled(const PeerRecord& peer, std::error_code problem, Tcp::socket socket);
  void add(Tcp::socket socket, Link link);
  [[nodiscard]] protocol::SessionOptions session_options(const std::optional<PeerRecord>& dialled);
  const crypto::CertifiedStaticKey& certified_key();
  [[nodiscard]] bool admits(const Link& link, const NodeId& peer) const;
  [[nodiscard]] bool is_current(const Connection& connection, const NodeId& peer) const;
  void handshake_ended(const Link& link);

  void on_established(Connection& connection, const NodeId& peer) override;
  void on_message(Connection& connection, protocol::Message message) override;
  void on_closed(Connection& connection, const protocol::SessionClosed& closed) override;
  void on_released(Connection& connection) override;
  void on_traffic(std::uint64_t bytes_sent, std::uint64_t bytes_received) override;

  asio::io_context& network_;
  Tcp::acceptor acceptor_;
  asio::steady_timer accept_retry_;
  EndpointOptions options_;
  Sink sink_;
  std::function<void()> released_;
  bool closing_ = false;
  bool paused_ = false;
  Traffic traffic_;
  AcceptLimits accept_limits_;
  std::optional<crypto::CertifiedStaticKey> certified_key_;
  std::map<const Connection*, Link> links_;            // every open socket
  std::map<NodeId, Connection*> established_;          // at most one link per peer
  std::set<std::pair<NodeId, std::string>> dialling_;  // until established or failed
};

Endpoint::Links::Links(asio::io_context& network, Listener listener, EndpointOptions options,
                       Sink sink)
    : network_(network),
      acceptor_(network),
      accept_retry_(network),
      options_(std::move(options)),
      sink_(std::move(sink)) {
  const bool v6 = listener.address.front() == '[';
  acceptor_.assign(v6 ? Tcp::v6() : Tcp::v4(), listener.socket.release());
}

void Endpoint::Links::accept() {
  acceptor_.async_accept([self = shared_from_this()](std::error_code problem, Tcp::socket socket) {
    if (self->closing_) return;
    if (!problem) {
      self->accepted(std::move(socket));
      return self->accept();
    }
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
  std::string prefix = address_prefix(remote.address().to_string());
  if (!accept_limits_.admit(prefix, monotonic_now())) {
    return sink_(node::InputRejected{RejectReason::flood});
  }
  add(std::move(socket), {.connection = nullptr, .dialled = {}, .prefix = std::move(prefix)});
}

void Endpoint::Links::connect(const PeerRecord& peer) {
  if (closing_ || established_.contains(peer.id)) return;
  if (!dialling_.emplace(peer.id, peer.address).second) return;
  dial(network_, peer.address, connect_time_max,
       [self = shared_from_this(), peer](std::error_code problem, Tcp::socket socket) {
         self->dialled(peer, problem, std::move(socket));
       });
}

void Endpoint::Links::dialled(const PeerRecord& peer, std::error_code problem, Tcp::socket socket) {
  if (closing_) return;
  if (!problem) return add(std::move(socket), {.connection = nullptr, .dialled = peer});
  dialling_.erase({peer.id, peer.address});
  sink_(node::ConnectFailed{peer});
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
                        .self = certified_key(),
                        .ephemeral_secret = random_secret(),
                        .expected_peer = names_peer ? std::optional(dialled->id) : std::nullopt,
                        .now = unix_now(),
                        .rekey_interval_frames = limits::rekey_interval_frames},
          .bulk_bytes_max = options_.bulk_bytes_max};
}

const crypto::CertifiedStaticKey& Endpoint::Links::certified_key() {
  const UnixSeconds now = unix_now();
  const bool fresh = certified_key_ && now.value + certificate_seconds / 2 <=
                                           certified_key_->certificate.expiry.value;
  if (!fresh) {
    certified_key_ = crypto::certify_static_key(options_.key, random_secret(), options_.run,
                                                {now.value + certificate_seconds});
  }
  return *certified_key_;
}

void Endpoint::Links::send(const NodeId& peer, protocol::Message message) {
  const auto found = established_.find(peer);
  if (found == established_.end() || found->second->send(std::move(message))) return;
  disconnect(peer, CloseReason::timed_out);
  sink_(node::PeerDisconnected{peer, CloseReason::timed_out});
}

void Endpoint::Links::disconnect(const NodeId& peer, CloseReason reason) {
  const auto found = established_.find(peer);
  if (found == established_.end()) return;
  Connection& connection = *found->second;
  established_.erase(found);
  connection.close(reason);
}

void Endpoint::Links::pause_reading(bool paused) {
  if (paused_ == paused) return;
  paused_ = paused;
  for (auto& [key, link] : links_) link.connection->pause_reading(paused);
}

void Endpoint::Links::close(CloseReason reason, std::function<void()> released) {
  closing_ = true;
  released_ = std::move(released);
  std::error_code ignored;
  acceptor_.close(ignored);
  accept_retry_.cancel();
  established_.clear();
  for (auto& [key, link] : links_) link.connection->close(reason);
  if (links_.empty()) released_();
}

void Endpoint::Links::abandon() {
  closing_ = true;
  std::error_code ignored;
  acceptor_.close(ignored);
  accept_retry_.cancel();
  for (auto& [key, link] : links_) link.connection->abandon();
  links_.clear();
}

void Endpoint::Links::handshake_ended(const Link& link) {
  if (link.dialled) {
    dialling_.erase({link.dialled->id, link.dialled->address});
  } else {
    accept_limits_.handshake_ended();
  }
}

bool Endpoint::Links::admits(const Link& link, const NodeId& peer) const {
  const auto other = established_.find(peer);
  if (other != established_.end()) {
    const bool older_dialled = links_.at(other->second).dialled.has_value();
    return newer_link_stays(older_dialled, link.dialled.has_value(), options_.key.id(), peer);
  }
  return established_.size() < limits::links_max && peer != options_.key.id();
}

bool Endpoint::Links::is_current(const Connection& connection, const NodeId& peer) const {
  const auto found = established_.find(peer);
  return found != established_.end() && found->second == &connection;
}

void Endpoint::Links::on_established(Connection& connection, const NodeId& peer) {
  Link& link = links_.at(&connection);
  handshake_ended(link);
  link.peer = peer;
  const bool duplicate = established_.contains(peer);
  if (!admits(link, peer)) {
    connection.close(duplicate ? CloseReason::duplicate_link : CloseReason::too_many_links);
    if (!duplicate && link.dialled) sink_(node::ConnectFailed{*link.dialled});
    return;
  }
  if (duplicate) disconnect(peer, CloseReason::duplicate_link);
  // Before the core hears of anything: it must not find the peer unlinked, and dial it again.
  established_[peer] = &connection;
  if (duplicate) sink_(node::PeerDisconnected{peer, CloseReason::duplicate_link});
  const PeerRecord record{peer, link.dialled ? link.dialled->address : std::string{}};
  sink_(node::PeerConnected{.peer = record, .dialled_by_us = link.dialled.has_value()});
}

void Endpoint::Links::on_message(Connection& connection, protocol::Message message) {
  const NodeId& peer = *links_.at(&connection).peer;
  if (!is_current(connection, peer)) return;  // we hung up while a batch was being handed over
  sink_(node::MessageReceived{peer, std::move(message)});
}

void Endpoint::Links::on_closed(Connection& connection, const protocol::SessionClosed& closed) {
  const Link link = links_.at(&connection);
  const auto* rejected = std::get_if<RejectReason>(&closed.why);
  if (rejected != nullptr) sink_(node::InputRejected{*rejected});
  if (!link.peer) {
    handshake_ended(link);
    if (link.dialled) sink_(node::ConnectFailed{*link.dialled});
    return;
  }
  if (!is_current(connection, *link.peer)) return;
  established_.erase(*link.peer);
  sink_(node::PeerDisconnected{*link.peer, rejected != nullptr
                                               ? close_reason_of(*rejected)
                                               : std::get<CloseReason>(closed.why)});
}

void Endpoint::Links::on_released(Connection& connection) {
  const auto found = links_.find(&connection);
  if (!found->second.dialled) accept_limits_.leave(found->second.prefix, monotonic_now());
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

void Endpoint::connect(const PeerRecord& peer) {
  links_->connect(peer);
}

void Endpoint::send(const NodeId& peer, protocol::Message message) {
  links_->send(peer, std::move(message));
}

void Endpoint::disconnect(const NodeId& peer, CloseReason reason) {
  links_->disconnect(peer, reason);
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
