#pragma once
// N nodes in virtual time: the performer of NodeCore's outputs without sockets, threads or clocks.
// The same scenario and seed give the same run, event for event.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "sim/observation.h"
#include "sim/scenario.h"
#include "sim/traffic.h"
#include "starling/ids.h"
#include "starling/result.h"

namespace starling::sim {

struct Progress {
  Duration virtual_time{0};
  std::uint64_t events = 0;
  double share_done = 0;  ///< Of all nodes' steps.
};

struct Record {
  std::vector<Observation> nodes;   ///< By index.
  std::vector<Observation> copies;  ///< Other machines with a node's key, in the faults' order.
  std::uint64_t events = 0;
  Duration virtual_time{0};
  bool time_stands_still = false;  ///< The run was broken off: a node never comes to rest.
  Digest trace_hash;
  TrafficByKind traffic{};
  std::vector<CurvePoint> curve;  ///< Every scenario.curve_every.
};

/// Called about every `progress_events_interval` events.
inline constexpr std::uint64_t progress_events_interval = 4096;
using ProgressSink = std::function<void(const Progress&)>;

/// Runs until every living node has ended by itself, or scenario.duration_max is over.
/// Error: the task or the recipe refuses the scenario (invalid_input).
[[nodiscard]] Result<Record> run_world(const Scenario& scenario, std::uint64_t seed,
                                       const ProgressSink& progress);

}  // namespace starling::sim
