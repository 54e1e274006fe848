#pragma once
// What a driver does once before its node runs: reads the node directory, and completes what the
// core and the sockets are told.

#include <optional>
#include <string>
#include <vector>

#include "crypto/secret.h"
#include "node/core/config.h"
#include "node/core/learner.h"
#include "node/runtime/endpoint.h"
#include "node/runtime/listener.h"
#include "node/runtime/store.h"
#include "starling/ids.h"
#include "starling/result.h"

namespace starling::runtime {

struct SavedState {
  protocol::SharedBytes checkpoint;
  std::vector<Bytes> votes;
  std::vector<std::string> warnings;  ///< Of files that had to be mended or left out.
};

/// Empty without a store. Error: a damaged file, named.
[[nodiscard]] Result<SavedState> load_saved_state(std::optional<Store>& store);

/// Whoever was met before is worth a dial, whatever has become of the ticket's nodes: adds them to
/// config. Error: a file that cannot be read.
[[nodiscard]] Result<void> recall_peers(const Store& store, node::Config& config,
                                        SavedState& saved);

/// From the starting point and the vote log alone every model of the run can be rebuilt.
[[nodiscard]] Result<void> keep_start(Store& store, node::Learner& learner);

/// To be taken again at the next start.
[[nodiscard]] Result<void> keep_port(Store& store, const Listener& listener);

/// What DriverOptions::core says is filled in by the driver.
[[nodiscard]] node::Config completed(node::Config config, const node::Learner& learner,
                                     const Listener& listener);

[[nodiscard]] EndpointOptions endpoint_options(const node::Config& config,
                                               const std::optional<crypto::Secret<32>>& psk);

}  // namespace starling::runtime
