#pragma once
// What a NodeCore is told, for tests and benchmarks of it and its parts.

#include <cstdint>
#include <utility>

#include "node/core/config.h"
#include "tests/support/crypto_keys.h"

namespace starling::testing {

/// A node of run 1 that knows nobody. key: as for crypto::node_key(). What is to be trained, and
/// for how long, is left to the caller.
[[nodiscard]] inline node::Config node_config(std::uint8_t key, optim::Recipe recipe) {
  node::Config config{.run = crypto::run_of(1),
                      .key = crypto::node_key(key),
                      .self = {crypto::node_key(key).id(), "127.0.0.1:1"},
                      .bootstrap = {},
                      .pinned_neighbours = {},
                      .recipe = std::move(recipe)};
  config.incarnation = 1;
  return config;
}

}  // namespace starling::testing
