#pragma once
// A simulated run as one TOML file: who trains what, over which links, and what goes wrong when.
// docs/SIMULATOR.md describes every key.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/shard.h"
#include "node/core/catch_up_plan.h"
#include "optim/recipe.h"
#include "sim/barriers.h"
#include "sim/fault_plan.h"
#include "sim/link_model.h"
#include "sim/topology.h"
#include "starling/ids.h"
#include "starling/instant.h"
#include "starling/result.h"

namespace starling::sim {

struct Scenario {
  std::uint32_t nodes = 8;
  std::string task = "clusters";
  optim::Recipe recipe;
  Step steps = 200;
  Topology topology = Topology::overlay;
  model::ShardRule skew;
  Duration step_time = std::chrono::milliseconds(20);  ///< One local step, or one packet of votes.
  double step_time_spread = 0.2;  ///< Nodes differ by up to this share, for the whole run.
  double interval_scale = 1.0;    ///< node::Config::interval_scale
  Step checkpoint_every = 50;
  Duration curve_every{0};  ///< Between two looks at all nodes' accuracy; 0: none.
  node::CatchUpMode catch_up = node::CatchUpMode::automatic;
  std::uint32_t vote_store_kib = 256U << 10U;  ///< node::Config::vote_store_bytes_max
  double accuracy_min = 0;  ///< A merged model below it is a violation; 0: any will do.
  Duration stall_max{0};  ///< A node that trains and does no step for longer; 0: any time will do.
  Duration duration_max = std::chrono::seconds(600);  ///< Whoever is not done by then is stuck.
  LinkRule link;
  Barriers barriers;
  std::vector<Fault> faults;
  RandomFaults random_faults;
};

/// origin: the file's name, for messages. nodes: replaces the file's number, unless 0.
/// Error: invalid_input naming the value seen and those allowed.
[[nodiscard]] Result<Scenario> parse_scenario(std::string_view toml_text, std::string_view origin,
                                              std::uint32_t nodes = 0);

}  // namespace starling::sim
