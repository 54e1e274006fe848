#pragma once
// Passes bytes on between two peers that cannot reach each other. What it carries is a session
// between the two ends, sealed: the relay sees lengths and times, nothing else.
//
// A circuit joins two of this node's own links, and lives no longer than either. The relay never
// holds bytes back: a sender may send only what the relay has granted it, and the relay grants no
// more than its budget, and than what the other end has taken up.

#include <array>
#include <cstdint>
#include <map>
#include <optional>

#include "protocol/effects.h"
#include "protocol/limits.h"
#include "protocol/overlay/path_kind.h"
#include "protocol/reject_reason.h"
#include "protocol/token_bucket.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::protocol {

class Relay {
 public:
  explicit Relay(double interval_scale) : interval_scale_(interval_scale) {}

  /// Only links that are not relayed themselves carry circuits.
  void link_up(const NodeId& peer, PathKind path);
  /// Circuits over this link end, and their other ends are told.
  void link_down(const NodeId& peer, Effects& effects);

  [[nodiscard]] Handled receive(const NodeId& from, const CircuitOpen& open, Instant now,
                                Effects& effects);
  [[nodiscard]] Handled receive(const NodeId& from, const CircuitData& data, Instant now,
                                Effects& effects);
  [[nodiscard]] Handled receive(const NodeId& from, const CircuitCredit& credit, Instant now,
                                Effects& effects);
  void receive(const NodeId& from, const CircuitClose& close, Effects& effects);

  [[nodiscard]] Instant next_deadline() const;
  void tick(Instant now, Effects& effects);

  [[nodiscard]] std::uint64_t relayed_bytes() const { return relayed_bytes_; }
  [[nodiscard]] std::size_t circuits() const { return circuits_.size(); }

 private:
  /// One way of a circuit.
  struct Lane {
    NodeId from;
    NodeId to;
    std::uint64_t granted = 0;  ///< The sender may still send so much.
    std::uint64_t untaken = 0;  ///< Passed on, not yet taken up by the receiver.
    TokenBucket budget{limits::circuit_bytes_per_second, limits::circuit_window_bytes};
  };
  struct Circuit {
    std::array<Lane, 2> lanes;
    Instant idle_at;  ///< Nothing for so long: it ends.
    Instant grant_at = Instant::never();
  };
  using Circuits = std::map<std::uint64_t, Circuit>;

  [[nodiscard]] std::optional<CircuitEnd> objection_to(const NodeId& from, const CircuitOpen& open,
                                                       Instant now);
  /// The lane that begins at `from`; null: not an end of this circuit.
  [[nodiscard]] static Lane* lane_from(Circuit& circuit, const NodeId& from);
  void grant(std::uint64_t number, Circuit& circuit, Instant now, Effects& effects);
  void end(Circuits::iterator at, CircuitEnd reason, const NodeId* except, Effects& effects);

  double interval_scale_;
  std::map<NodeId, TokenBucket> links_;  ///< Of circuits that each may still open.
  Circuits circuits_;
  TokenBucket total_{limits::relay_bytes_per_second_total};
  std::uint64_t relayed_bytes_ = 0;
};

}  // namespace starling::protocol
