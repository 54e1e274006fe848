#pragma once
// What a testnet knows of its run: filled in while it goes on, read by the table, the JSON and the
// report.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "starling/event.h"
#include "starling/ids.h"

namespace starling::cli {

/// One line of a node's metrics.
struct NodeSample {
  double time_s = 0;
  Step step = 0;
  double loss = 0;
  double accuracy = 0;  ///< NaN where it was not evaluated.
  std::uint64_t bytes_sent = 0;
};

struct NodeRecord {
  NodeId id;
  std::uint64_t samples_held = 0;
  std::vector<std::uint64_t> label_counts;  ///< Of its share of the data; may be empty.
  std::vector<NodeSample> samples;
  std::vector<NodeId> neighbours;  ///< The last ones seen.
  double accuracy_before_merge = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t exchanges = 0;
  std::uint64_t votes = 0;
  std::optional<CaughtUp> caught_up;  ///< Of a joiner.
  double epsilon = 0;                 ///< Privacy spent; 0: votes without noise.
  std::string fate;                   ///< merged, killed, left or failed.
};

/// All nodes at one of their evaluations; they come to it at different times.
struct MeanPoint {
  Step step = 0;
  double time_s = 0;             ///< When the last of them was there.
  std::uint64_t bytes_sent = 0;  ///< By all of them until they were there.
  std::uint32_t nodes = 0;
  double accuracy_nodes_mean = 0;  ///< Of the nodes' own models.
  double accuracy_mean_model = 0;  ///< Of the mean of these models, each counting the same.
  double consensus_distance = 0;   ///< As RunRecord's, of these models.
};

struct BaselinePoint {
  std::uint64_t samples_seen = 0;
  double accuracy = 0;
};

struct RunRecord {
  std::string name;
  std::string recipe;
  std::string recipe_text;
  std::string task;
  std::string topology;
  std::string skew;
  std::uint64_t seed = 0;
  Step steps = 0;
  std::uint64_t parameters = 0;
  std::uint32_t batch = 0;
  std::vector<NodeRecord> nodes;
  std::uint32_t joined = 0;             ///< Came late; the last ones of `nodes`.
  std::vector<MeanPoint> curve;         ///< Empty: no models were kept.
  std::vector<BaselinePoint> baseline;  ///< Central training, by samples seen.
  double baseline_step_size = 0;
  double accuracy_central = std::numeric_limits<double>::quiet_NaN();  ///< NaN: no baseline.
  // Of the same models, those that the merged one has replaced:
  double accuracy_nodes_mean = 0;
  double consensus_distance = 0;  ///< sqrt(mean |x_i - mean|^2) / |mean|.
  double accuracy_merged = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_dense_equivalent = 0;
  std::uint64_t votes = 0;
  double epsilon = 0;  ///< The most that a node has spent.
  bool digests_equal = false;
  double swarm_s = 0;  ///< Until the last node ended.
  double wall_s = 0;   ///< With the central baseline.
  Manifest manifest;
};

}  // namespace starling::cli
