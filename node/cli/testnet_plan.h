#pragma once
// What `starling testnet` was asked for, checked.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "model/tasks.h"
#include "node/run_description.h"
#include "starling/ids.h"
#include "starling/result.h"

namespace starling::cli {

/// `nodes` processes are killed or started when the swarm's median step reaches `at`.
struct SwarmChange {
  std::uint32_t nodes = 0;
  Step at = 0;
};

/// "K@STEP" with K >= 1. option: for the message. Error: invalid_input naming both.
[[nodiscard]] Result<SwarmChange> parse_swarm_change(std::string_view option,
                                                     std::string_view text);

enum class Topology : std::uint8_t {
  overlay,      ///< Found and kept by the nodes themselves (HyParView).
  ring,         ///< Two neighbours each.
  grid,         ///< Rows and columns, as square as the number allows, not wrapped around.
  exponential,  ///< Distances 1, 2, 4, ... around a circle, in both directions.
  full          ///< Everyone.
};

/// Error: invalid_input naming the text seen and the names allowed.
[[nodiscard]] Result<Topology> parse_topology(std::string_view name);

/// The neighbours of `node` among `count` nodes under a fixed topology, ascending; symmetric.
[[nodiscard]] std::vector<std::uint32_t> fixed_neighbours(Topology topology, std::uint32_t node,
                                                          std::uint32_t count);

/// Local steps of a run that names none.
[[nodiscard]] std::uint32_t default_steps(const optim::Recipe& recipe);

struct TestnetPlan {
  RunDescription run;  ///< run.nodes: the nodes at the start, without joiners.
  Topology topology = Topology::overlay;
  std::string topology_name = "overlay";
  std::string skew = "dirichlet:0.1";
  std::string data = {};                  ///< Empty: the task's usual place.
  std::filesystem::path start_file = {};  ///< Whose digest is run.start; empty: the task's start.
  SwarmChange kill = {};
  SwarmChange join = {};
  std::string catch_up = "auto";  ///< Of the joiners; as of `starling join`.
  std::uint32_t models_kept = 0;  ///< Of each node, at its evaluations; 0: no curve of their mean.
  std::filesystem::path folder = {};

  /// The data is cut for everyone from the start: a joiner brings samples that nobody else has.
  [[nodiscard]] std::uint32_t shards() const { return run.nodes + join.nodes; }
  /// The data of the run and how it is cut, for node 0. Error: invalid_input: no such skew.
  [[nodiscard]] Result<model::TaskOptions> task_options() const;
};

struct TaskFacts {
  std::uint64_t parameters = 0;
  bool has_gradient = false;  ///< Without one there is no central training to compare with.
};

/// Error: invalid_input: changes that cannot happen; a task, data set or skew that cannot be had; a
/// recipe that does not fit the task. Loads one share of the data to find out.
[[nodiscard]] Result<TaskFacts> check_plan(const TestnetPlan& plan);

}  // namespace starling::cli
