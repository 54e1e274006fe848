#pragma once
// What a node knows of each edge of the mixing graph: how far both ends have applied each other's
// payloads. It makes "an exchange applied at one end only" repairable (LEARNING.md section 4): the
// payloads that the other end may lack are kept until it confirms, and sent again when the link
// returns. In rounds these are two: an end may begin a round before the other has finished the
// last.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "protocol/effects.h"
#include "protocol/wire/message.h"
#include "starling/ids.h"

namespace starling::protocol {

struct Edge {
  std::uint64_t peer_incarnation = 0;  ///< 0: never met.
  std::uint64_t applied = 0;           ///< Highest exchange number that we have applied.
  std::uint64_t peer_applied = 0;      ///< Highest that the peer is known to have applied.
  std::uint64_t offered = 0;           ///< Highest number either end has offered: none comes twice.
  std::map<std::uint64_t, Bulk> retained;  ///< Our payloads that the peer may lack, by number.
  Step peer_step = 0;
  bool open = false;  ///< Linked, and both hellos of this link are through.
};

/// A payload to be mixed late, against our retained one of the same number.
struct Completion {
  NodeId peer;
  Bulk own;
  Bulk theirs;
};

class EdgeBook {
 public:
  /// What becomes of an exchange that only one end has applied. Hat copies move with every payload,
  /// so that a late one fits no more: both ends drop the edge instead.
  enum class Broken : std::uint8_t { completed, dropped };
  explicit EdgeBook(std::uint64_t incarnation, Broken broken = Broken::completed)
      : incarnation_(incarnation), broken_(broken) {}

  /// Says hello on a new link (or when training starts on an old one).
  void greet(const NodeId& peer, Step step, Effects& effects);

  /// The peer's hello. Sends again what the peer lacks. Returns true if one end has lost or dropped
  /// its side of the edge: then the other has to take out everything that came over it
  /// (Replica::drop_edge), and both count from zero.
  [[nodiscard]] bool on_hello(const NodeId& peer, const EdgeHello& hello, Effects& effects);

  /// The link is gone; what is unconfirmed is kept for its return.
  void close(const NodeId& peer);
  /// The peer is gone for good; if it does return, its hello finds the edge unknown.
  void give_up(const NodeId& peer);
  void set_peer_step(const NodeId& peer, Step step);

  /// One end offers exchange `number`; a later attempt takes a higher one.
  void offered(const NodeId& peer, std::uint64_t number);
  /// Keeps `payload` until the peer confirms its number.
  void retain(const NodeId& peer, Bulk payload);
  /// The exchange was called off before either end applied it.
  void discard(const NodeId& peer, std::uint64_t number);
  /// We have applied exchange `number` of this edge.
  void applied(const NodeId& peer, std::uint64_t number);
  /// The peer confirms.
  void confirmed(const NodeId& peer, std::uint64_t number);

  /// A payload that belongs to no running exchange: if it completes a broken one, what to mix.
  [[nodiscard]] std::optional<Completion> complete(const NodeId& peer, Bulk&& theirs);

  [[nodiscard]] const Edge* find(const NodeId& peer) const;
  [[nodiscard]] std::vector<NodeId> open_edges() const;
  [[nodiscard]] bool has_open_edge() const;
  [[nodiscard]] std::size_t unreconciled() const;

 private:
  Edge& at(const NodeId& peer);
  [[nodiscard]] bool is_open(const NodeId& peer, const Edge& edge) const {
    return edge.open && greeted_.contains(peer);
  }
  static void release_reconciled(Edge& edge);
  void forget_oldest_closed();

  std::uint64_t incarnation_;
  Broken broken_;
  std::map<NodeId, Edge> edges_;
  std::map<NodeId, bool> greeted_;  ///< Hello sent on the present link.
};

}  // namespace starling::protocol
