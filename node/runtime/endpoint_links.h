#pragma once
// The state behind Endpoint. Included only by the two files that implement it.

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "node/runtime/accept_limits.h"
#include "node/runtime/certificate_cache.h"
#include "node/runtime/circuit_table.h"
#include "node/runtime/connection.h"
#include "node/runtime/dial.h"
#include "node/runtime/endpoint.h"
#include "node/runtime/resolver.h"
#include "node/runtime/transport.h"
#include "node/runtime/waiting_room.h"

namespace starling::runtime {

/// The state behind Endpoint; shared with the handlers of the acceptor and of dials under way.
class Endpoint::Links : public Connection::Owner, public std::enable_shared_from_this<Links> {
 public:
  Links(asio::io_context& network, Listener listener, EndpointOptions options, Sink sink);

  void start() { accept(); }
  void connect(const node::Connect& wish);
  void probe(const protocol::PeerRecord& peer, std::uint64_t nonce);
  void send(const NodeId& peer, protocol::Message message);
  void disconnect(const NodeId& peer, protocol::CloseReason reason);
  void admit(const NodeId& peer, std::uint64_t incarnation);
  void refuse(const NodeId& peer, std::uint64_t incarnation, Bytes proof);
  void drop_links_of_lost_addresses();
  void pause_reading(bool paused);
  void close(protocol::CloseReason reason, std::function<void()> released);
  void abandon();
  void cancel_dials();
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }

 private:
  /// Who is dialled, and how.
  using DialKey = std::tuple<NodeId, std::string, protocol::PathKind, NodeId>;
  static DialKey key_of(const node::Connect& wish) {
    return {wish.peer.id, wish.peer.address, wish.path, wish.via};
  }
  struct Probe {
    protocol::PeerRecord peer;
    std::uint64_t nonce = 0;
  };

  struct Link {
    std::shared_ptr<Connection> connection;
    std::optional<node::Connect> dialled = {};  ///< Empty: accepted.
    protocol::PathKind path = protocol::PathKind::direct;
    std::optional<Probe> probe = {};  ///< Only asks whether the peer is there.
    AcceptLimits::Number knock = 0;   ///< Of an accepted one, for the limits.
    std::string source = {};          ///< Host of an accepted one.
    std::optional<NodeId> peer = {};  ///< Set: established.
    std::uint64_t incarnation = 0;    ///< Of the peer's process, once established.
  };

  void accept();
  void accepted(asio::ip::tcp::socket socket);
  bool drop_stranger();
  void drop(AcceptLimits::Number knock);
  void dialled(const node::Connect& wish, std::optional<protocol::DialProblem> problem,
               asio::ip::tcp::socket socket);
  void dial_failed(const node::Connect& wish, protocol::DialProblem problem);
  void handshake_failed(const node::Connect& wish, const protocol::SessionClosed& closed);
  void dial_on(const node::Connect& wish, protocol::DialProblem problem);
  void open_circuit(const node::Connect& wish);
  /// Of one that ends here, as most do. False: the message is for the core.
  bool take_circuit_message(Connection& from, const NodeId& relay,
                            const protocol::Message& message);
  [[nodiscard]] std::shared_ptr<Transport> circuit_over(Connection& relay_link, const NodeId& relay,
                                                        std::uint64_t number);
  void probed(const Probe& probe, bool is_reached);
  [[nodiscard]] bool is_self(const asio::ip::tcp::endpoint& target) const;
  void add(std::shared_ptr<Transport> transport, Link link);
  [[nodiscard]] protocol::SessionOptions session_options(const Link& link);
  /// Why an authenticated peer gets no link; nothing if it does.
  [[nodiscard]] std::optional<protocol::DialProblem> objection_to(const Link& link,
                                                                  const NodeId& peer) const;
  void turn_away(Connection& connection, protocol::DialProblem problem);
  [[nodiscard]] bool is_current(const Connection& connection, const NodeId& peer) const;
  /// Ends the link; what the core hears of it is the caller's affair.
  void hang_up(const NodeId& peer, protocol::CloseReason reason);

  [[nodiscard]] bool is_second_process(const Link& link) const;
  void keep_waiting(Connection& connection, const Link& link);
  void link_up(Connection& connection, const Link& link);

  void on_established(Connection& connection,
                      const protocol::SessionEstablished& established) override;
  void on_message(Connection& connection, protocol::Message message) override;
  void on_bulk_progressed(Connection& connection,
                          const protocol::SessionBulkProgressed& progress) override;
  void on_bulk_refused(Connection& connection, const protocol::BulkRefusal& refusal) override;
  void on_closed(Connection& connection, const protocol::SessionClosed& closed) override;
  void on_released(Connection& connection) override;
  void on_traffic(std::uint64_t bytes_sent, std::uint64_t bytes_received) override;

  asio::io_context& network_;
  asio::ip::tcp::acceptor acceptor_;
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
  std::shared_ptr<CircuitTable> circuits_;
  std::map<std::uint64_t, std::shared_ptr<Dial>> probes_;  // by a number of their own
  std::uint64_t probes_made_ = 0;
  std::map<DialKey, std::shared_ptr<Dial>> dials_;   // until established or failed; null: a circuit
  std::map<DialKey, protocol::DialDetail> details_;  // of the latest handshake of such a dial
};

}  // namespace starling::runtime
