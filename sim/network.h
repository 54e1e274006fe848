#pragma once
// Links between simulated nodes: dials that take their round trips, messages as the bytes that a
// session would seal, in order like a TCP connection's, and links that break. There is no
// encryption: tests/unit/protocol covers sessions, and virtual time has no eavesdropper.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "node/core/io.h"
#include "protocol/link/bulk_bounds.h"
#include "sim/barriers.h"
#include "sim/circuit.h"
#include "sim/event_queue.h"
#include "sim/link_model.h"
#include "sim/trace.h"
#include "sim/traffic.h"
#include "sim/wire_bytes.h"

namespace starling::sim {

/// Where simulated node `index` is dialled.
[[nodiscard]] std::string address_of(std::uint32_t index);

class Network {
 public:
  using Deliver = std::function<void(std::uint32_t node, node::Input input)>;
  /// ids: by node index; a copy of a node has that one's. queue and trace outlive the network.
  Network(EventQueue& queue, Trace& trace, LinkModel model, std::vector<NodeId> ids,
          Deliver deliver, Barriers barriers = {});

  // --- What a node asks for ---
  void connect(std::uint32_t from, const node::Connect& wish);
  void probe(std::uint32_t from, const node::ProbeAddress& question);
  void disconnect(std::uint32_t from, const NodeId& peer, protocol::CloseReason reason);
  void send(std::uint32_t from, const NodeId& peer, const protocol::Message& message);
  void admit(std::uint32_t node, const NodeId& peer, std::uint64_t incarnation);
  void refuse(std::uint32_t node, const NodeId& peer, std::uint64_t incarnation, Bytes proof);

  // --- What happens to it ---
  /// bulk: which bulk messages the process sends and takes.
  void start(std::uint32_t node, std::uint64_t incarnation, const protocol::BulkBounds& bulk);
  /// The process ends; its peers' sockets break.
  void stop(std::uint32_t node);
  /// Handshakes with it time out; open links stay.
  void pause(std::uint32_t node, bool is_paused) { hosts_[node].is_paused = is_paused; }
  /// The machine loses power: nobody hears of it, and dials to it time out.
  void power_off(std::uint32_t node);
  void cut(std::uint32_t a, std::uint32_t b);
  /// groups: by node index. No new links come about across groups. Open ones break or, if it is
  /// silent, hold what is sent until both ends are in one group again.
  void partition(const std::vector<std::uint32_t>& groups, bool is_silent);

  [[nodiscard]] std::uint64_t bytes_sent(std::uint32_t node) const {
    return hosts_[node].bytes_sent;
  }
  /// Of these, what the final merge was about.
  [[nodiscard]] std::uint64_t merge_bytes_sent(std::uint32_t node) const {
    return hosts_[node].merge_bytes_sent;
  }
  [[nodiscard]] const TrafficByKind& traffic() const { return traffic_; }
  [[nodiscard]] bool linked(std::uint32_t a, std::uint32_t b) const;

 private:
  [[nodiscard]] bool is_of_merge(const protocol::Message& message);

  struct Host {
    NodeId id;
    std::uint64_t life = 0;
    std::uint64_t incarnation = 0;
    protocol::BulkBounds bulk = {};
    bool is_up = false;
    bool is_dark = false;  ///< Its power went: nothing answers for it, not even a refusal.
    bool is_paused = false;
    std::uint32_t group = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t merge_bytes_sent = 0;
  };
  /// The node at whose end it is, the relay, and the number that its messages name.
  using CircuitKey = std::tuple<std::uint32_t, std::uint32_t, std::uint64_t>;

  /// One end of a link, and the order of what this end sends. Control overtakes bulk, as in a
  /// session; within each the order stays.
  struct End {
    std::uint64_t link = 0;
    bool is_closing = false;  ///< Its owner has hung up, and is about to hear of the end.
    protocol::CloseReason closing_reason = protocol::CloseReason::normal;
    std::uint64_t peer_life = 0;
    Instant last_control;
    Instant last_bulk;
    std::optional<CircuitKey> circuit = {};            ///< Set: a relayed link.
    protocol::BulkGate gate = protocol::BulkGate({});  ///< What of bulk this end takes.
  };
  using Direction = std::pair<std::uint32_t, std::uint32_t>;
  using Delivery = std::function<void()>;
  /// A second process of a linked peer, and what it dialled.
  struct Waiting {
    std::uint32_t newcomer = 0;
    node::Connect dialled;
  };
  using DialKey = std::tuple<std::uint32_t, NodeId, std::string, protocol::PathKind, NodeId>;
  static DialKey key_of(std::uint32_t from, const node::Connect& wish) {
    return {from, wish.peer.id, wish.peer.address, wish.path, wish.via};
  }

  void finish_dial(std::uint32_t from, std::uint64_t life, const node::Connect& wish);
  void finish_punch(std::uint32_t from, const node::Connect& wish);
  void refuse(std::uint32_t from, const node::Connect& wish, protocol::DialProblem problem,
              Instant at);
  [[nodiscard]] Duration silence(std::uint32_t from, std::uint32_t to) const;
  [[nodiscard]] std::optional<protocol::DialProblem> obstacle(std::uint32_t from,
                                                              const node::Connect& wish) const;
  [[nodiscard]] bool is_relayed(std::uint32_t from, std::uint32_t to) const;
  void open(std::uint32_t from, std::uint32_t to, protocol::PathKind path,
            std::optional<CircuitKey> opener = {}, std::optional<CircuitKey> called = {});
  void keep_waiting(std::uint32_t at, std::uint32_t newcomer, const node::Connect& dialled);
  /// Of the nodes with this id the one that `node` has a link with; else any.
  [[nodiscard]] std::uint32_t host_of(std::uint32_t node, const NodeId& peer) const;
  void turn_out(std::uint32_t node);
  [[nodiscard]] std::optional<Waiting> take_waiting(std::uint32_t node, const NodeId& peer,
                                                    std::uint64_t incarnation);
  void close_end(std::uint32_t at, std::uint32_t other, protocol::CloseReason reason);
  /// `at` learns at `when` that its link to `other` has ended.
  void lose(Direction end, Instant when, protocol::CloseReason reason);
  /// True if a partition keeps the two apart, so that nothing sent may arrive now.
  [[nodiscard]] bool apart(Direction ends) const;
  void release_held();
  void arrive(Direction direction, std::uint64_t link, protocol::Message message);
  /// Tells the receiver of a bulk message that is under way, as often as a session would.
  void tell_progress(Direction direction, std::uint64_t link, const protocol::Bulk& bulk,
                     Instant arrives_at);
  void deliver_message(Direction direction, protocol::Message message);
  [[nodiscard]] std::vector<std::uint32_t> peers_of(std::uint32_t node) const;

  // network_circuits.cpp: relayed links
  void open_circuit(std::uint32_t from, const node::Connect& wish);
  /// True: the message was of a circuit that ends at `to`.
  bool take_circuit_message(std::uint32_t from, std::uint32_t to, const protocol::Message& message);
  void on_frame(const CircuitKey& key, const Circuit::Frame& frame);
  void establish(const CircuitKey& key);
  void send_relayed(const CircuitKey& key, const protocol::Message& message,
                    const WireBytes& bytes);
  void tell_circuit_progress(const CircuitKey& key);
  void pump(const CircuitKey& key);
  /// The node's end is gone; its owner hears of it if it was a link.
  void end_circuit(const CircuitKey& key, protocol::DialProblem problem, bool tells_relay);
  void end_circuits_over(std::uint32_t node, std::uint32_t relay);
  void forget_circuits_of(std::uint32_t node);
  [[nodiscard]] End* open_end(Direction direction);

  EventQueue& queue_;
  Trace& trace_;
  LinkModel model_;
  Deliver deliver_;
  std::vector<Host> hosts_;
  std::map<NodeId, std::vector<std::uint32_t>> index_;  ///< A node, and its copies.
  std::map<std::string, std::uint32_t> addresses_;
  std::map<Direction, End> ends_;
  std::map<std::pair<std::uint32_t, NodeId>, Waiting> waiting_;  ///< By whom it is kept waiting.
  std::set<DialKey> dials_;                                      ///< Not answered yet.
  Barriers barriers_;
  std::map<Direction, node::Connect> punches_;  ///< Under way, from whom to whom.
  std::map<CircuitKey, Circuit> circuits_;
  std::uint64_t circuits_made_ = 0;
  /// What would have arrived across a silent partition, in order.
  std::vector<std::pair<Direction, Delivery>> held_;
  bool is_silent_ = false;  ///< The partition.
  std::uint64_t links_made_ = 0;
  std::map<protocol::BroadcastId, bool> is_merge_body_;
  TrafficByKind traffic_{};  ///< Of all nodes.
};

}  // namespace starling::sim
