#pragma once
// From bytes to integers: the votes of one step as they are added to the grid.

#include <cstdint>
#include <span>

#include "optim/ledger/direction.h"
#include "optim/ledger/tile.h"
#include "starling/ids.h"

namespace starling::optim {

/// k one-byte votes of one author: probe first_probe + i has code codes[i].
struct VoteSpan {
  NodeId author;
  Step step = 0;
  std::uint32_t first_probe = 0;
  ByteSpan codes;
};

/// What turns the votes of one step into integers.
struct StepRule {
  StepKeys keys;
  std::uint32_t rows = 0;       ///< B
  std::uint64_t unit_step = 0;  ///< Of the run's StepTable.
  Directions directions = Directions::own;
};

/// The sum of `votes`, all of the rule's step, ready to be swept.
[[nodiscard]] StepTile sum_votes(std::span<const VoteSpan> votes, const StepRule& rule,
                                 const LedgerKernels& kernels = best_kernels());

}  // namespace starling::optim
