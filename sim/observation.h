#pragma once
// What the checkers may know of a node: the simulator writes it down while the node runs, and the
// node knows nothing of it.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "starling/event.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::sim {

/// A law that did not hold.
struct Violation {
  Instant at;
  std::optional<std::uint32_t> node;
  std::string text;
};

/// How good the running nodes' settled models are at one moment of the run: each as after its last
/// exchange, or as it is if there was none, or no neighbour is left. NaN: the task has none.
struct CurvePoint {
  Instant at;
  std::uint64_t bytes_sent = 0;  ///< By all nodes until then.
  std::size_t nodes = 0;         ///< Looked at.
  double accuracy_mean = 0;      ///< Of the nodes' own models.
  double accuracy_least = 0;
  double accuracy_mean_model = 0;  ///< Of the mean of these models, each counting the same.
  double consensus_distance = 0;   ///< Root mean square of their distances to it.
};

/// Cumulative change of a node's parameters that came over each edge.
using Flows = std::map<NodeId, std::vector<double>>;

struct Observation {
  NodeId id;
  std::uint64_t merge_bytes_sent = 0;  ///< Of bytes_sent.
  bool has_started = false;
  bool is_running = false;   ///< The process is there, or has ended by itself.
  bool has_stopped = false;  ///< Ended by itself.
  Instant started_at;        ///< This process.
  Instant merged_at = Instant::never();
  std::uint64_t restarts = 0;
  std::string stop_reason;  ///< Empty after a clean end.
  NodeStatus status;        ///< The last one; before the end of the process.
  std::uint64_t bytes_sent = 0;
  std::optional<double> accuracy_before_merge;
  std::map<NodeId, std::set<std::string>> paths;  ///< By which each peer became a neighbour.
  /// Between two reports of steps done by one process; what it slept is not counted.
  Duration longest_stall{0};
  std::optional<Merged> merged;

  // --- The replica: before it adopted the merged model, else at the end ---
  Instant looked_at;
  Flows flows;
  Flows flows_before;           ///< Of edges that one end lost or gave up: what came before that.
  std::set<NodeId> lost_edges;  ///< Edges to processes that ended, not taken out here yet.
  std::vector<float> correction;
  Flows counters;                    ///< The part of the correction that came over each edge.
  std::uint64_t half_exchanged = 0;  ///< Exchanges not known to be applied at both ends.
  std::set<NodeId> neighbours;
  Digest model;  ///< As evaluations name it.
  Digest votes;  ///< Of the set of vote packets held.
  std::uint64_t vote_packets = 0;
  /// Of each author whom this process knows to equivocate, the number from which its packets are
  /// void.
  std::map<NodeId, std::uint64_t> voided_from;
  std::optional<std::size_t> flipped;      ///< The parameter of which a fault turned a bit.
  std::vector<DivergenceLocated> located;  ///< Reports of replicas that were wrong.

  // --- The merge ---
  /// Of every process of this node, by their digest: 4 bytes a value, float32 or, under votes,
  /// int32 of unit 2^-24.
  std::map<Digest, Bytes> contributions;
  bool is_on_grid = false;       ///< The latter.
  std::set<Digest> given;        ///< Merges that this process gave its vector to.
  std::optional<Bytes> adopted;  ///< The vector taken, in the same form.
};

}  // namespace starling::sim
