#pragma once
// What a node holds in memory, computed before anything is taken: a model that does not fit is
// refused when a run is made or joined, not killed in its middle.

#include <cstdint>
#include <string>

#include "optim/recipe.h"
#include "starling/result.h"

namespace starling::node {

struct MemoryNeed {
  std::string recipe;  ///< Its name.
  std::uint64_t parameters = 0;
  double models = 0;  ///< Of 4 bytes a parameter: vectors of that length, and payloads.
  [[nodiscard]] double bytes() const { return models * 4 * static_cast<double>(parameters); }
};

/// For as long as the node trains; giving a joiner the state takes one model more for a while.
[[nodiscard]] MemoryNeed memory_need(const optim::Recipe& recipe, std::uint64_t parameters);

/// nodes: of this run on this machine. memory_bytes: of the machine; 0: not known, nothing is
/// refused. Error: invalid_input naming what is needed and what is there.
[[nodiscard]] Result<void> check_memory(const MemoryNeed& need, std::uint64_t nodes,
                                        std::uint64_t memory_bytes);

}  // namespace starling::node
