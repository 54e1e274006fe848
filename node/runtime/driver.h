#pragma once
// The performer: gives a NodeCore sockets, time, a worker and a disk, and does what it asks for.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crypto/secret.h"
#include "node/core/config.h"
#include "node/core/learner.h"
#include "node/runtime/home_network_use.h"
#include "node/runtime/listener.h"
#include "node/runtime/own_address.h"
#include "node/runtime/store.h"
#include "starling/event.h"
#include "starling/ids.h"
#include "starling/result.h"

namespace starling::runtime {

struct DriverOptions {
  /// Filled in by the driver: parameter_count and sample_count from the learner; where they are
  /// empty also self (the listener's address), and incarnation and seed (from fresh entropy).
  node::Config core;
  node::Learner learner;
  Listener listener;
  /// The node directory; without one nothing survives the process.
  std::optional<Store> store = std::nullopt;
  AnnouncedAddress announced = {};         ///< What core.self.address is made of.
  std::vector<std::string> warnings = {};  ///< Told as Warned at the start.
  HomeNetworkUse home_network = {};
  std::optional<crypto::Secret<32>> psk = std::nullopt;  ///< Set: a private run.
  /// Turns the merged parameters into the bytes of model.safetensors; needed with a store.
  std::function<Bytes(std::span<const float>)> encode_model = {};
  /// Called on the network thread; must not block.
  std::function<void(const Event&)> on_event = {};
  /// Takes the merged parameters soon after Merged, in the same way: float32, in pieces in order.
  std::function<void(std::vector<protocol::SharedBytes>)> on_merged_model = {};
  int compute_niceness = 0;         ///< 0 to 19; 19: train only when the machine is idle.
  std::size_t compute_threads = 1;  ///< For the sum of votes, the worker's included; >= 1.
  /// With a store: of so many evaluations the parameters are kept (evaluated_models.h).
  std::uint32_t evaluated_models_kept = 0;
  bool events_to_standard_output = false;  ///< One JSON line per event.
  bool leave_on_signal = false;  ///< SIGINT, SIGTERM and SIGHUP; a second one ends at once.
  bool leave_when_standard_input_ends = false;  ///< So that a parent's death is noticed.
};

/// One running node. Construction, run() and destruction on one thread, the network thread.
class Driver {
 public:
  /// Reads the node directory. Error: a damaged or refused file, named.
  [[nodiscard]] static Result<std::unique_ptr<Driver>> create(DriverOptions options);
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;
  ~Driver();

  /// Runs the node until it stops by itself or is asked to leave. Call once.
  /// Error: the disk failed, or the task did.
  [[nodiscard]] Result<void> run();

  /// Thread: any. No effect after the end.
  void request_merge();
  /// Thread: any. Saves, says farewell, and ends run() within 10 s, and a second for every 50 MB of
  /// model.
  void request_leave();

  /// True after run() if the node was ended in the middle of its work, which may still be going on
  /// (the destructor waits for it): by a second signal, or because leaving took too long.
  [[nodiscard]] bool was_cut_short() const;

  /// Not older than the last event or a second. Thread: any.
  [[nodiscard]] NodeStatus status() const;

 private:
  class Node;
  explicit Driver(std::unique_ptr<Node> node);

  std::unique_ptr<Node> node_;
};

}  // namespace starling::runtime
