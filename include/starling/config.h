#pragma once
// What an embedding program decides about a run, and about its own node.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace starling {

/// What all nodes of a run share. The ticket binds it by its digest, so only the run's owner gives
/// it.
struct RunOptions {
  std::string name = "run";
  std::string task = "custom";         ///< Names the objective in errors and in the saved model.
  std::string recipe = "gossip";       ///< A built-in recipe's name, or the TOML text of your own.
  std::uint32_t steps = 2000;          ///< Local steps of each node.
  std::uint32_t nodes = 2;             ///< Training begins when so many have met.
  std::uint64_t seed = 1;              ///< Given to Task::initialize(): the common starting point.
  std::uint32_t evaluate_every = 100;  ///< Steps; 0: only at the end.
  std::uint32_t checkpoint_every = 100;  ///< Steps; 0: only when leaving.
  double interval_scale = 1.0;           ///< Of all protocol intervals; below 1 on a fast network.
  bool is_private = true;                ///< Only holders of the ticket can connect.
  std::uint32_t valid_hours = 168;       ///< How long newcomers may use the ticket.
};

/// One node's own affairs.
struct NodeOptions {
  /// "HOST:PORT" to listen on; port 0: any. Empty: this machine alone for the run's owner and for
  /// whoever joins it here; on all interfaces for those who join from elsewhere.
  std::string listen = {};
  /// "HOST:PORT" that others dial, where it is not the one listened on.
  std::string address = {};
  /// The node directory: key, state, results; one process at a time. Empty: nothing is kept.
  std::filesystem::path directory = {};
  /// join(): Node::description() of a member, where none can be asked for it over the network.
  std::string description = {};
  /// join(): how long it may block until a member has given the run's description.
  std::chrono::milliseconds patience{60'000};
  /// Finds the run's nodes on the local network, and is found there; not if it listens on this
  /// machine alone.
  bool uses_lan = true;
  bool maps_port = true;     ///< Asks the router to open a port, where there is one.
  int compute_niceness = 0;  ///< 0 to 19; 19: train only when the machine is idle.
};

}  // namespace starling
