#pragma once
// One call: a scenario and a seed in, what happened and which laws were broken out.

#include <cstdint>
#include <string>
#include <vector>

#include "sim/observation.h"
#include "sim/scenario.h"
#include "sim/world.h"

namespace starling::sim {

struct Report {
  std::uint64_t seed = 0;
  std::uint32_t nodes = 0;
  std::uint64_t events = 0;  ///< Inputs handled by all nodes.
  double virtual_s = 0;
  std::string trace_hash;  ///< Hexadecimal.
  std::vector<Violation> violations;

  double accuracy_nodes_mean = 0;  ///< Of living nodes, before the merge; NaN where there is none.
  double accuracy_merged = 0;
  std::uint64_t bytes_sent = 0;
  TrafficByKind traffic{};  ///< The same bytes, by kind of message.
  std::vector<CurvePoint> curve;
  std::uint64_t exchanges = 0;
  std::uint64_t votes = 0;
  double bytes_per_vote = 0;  ///< Of everything sent, for one vote at one receiver; NaN without.
  std::size_t merge_members = 0;
  std::size_t merge_contributors = 0;  ///< Members that are in every part of the model.
  double merge_bytes_mean = 0;         ///< Sent by a node for the merge.
  std::uint64_t merge_bytes_most = 0;  ///< By the node that sent most.
  double consensus_distance =
      0;  ///< Root mean square over nodes of the distance to the merged model.
  std::size_t nodes_merged = 0;                ///< Living nodes that have the merged model.
  bool digests_equal = false;                  ///< They have the same one.
  std::vector<std::string> caught_up_by = {};  ///< The ways in which late voters did.
};

[[nodiscard]] Result<Report> simulate(const Scenario& scenario, std::uint64_t seed,
                                      const ProgressSink& progress = {});

}  // namespace starling::sim
