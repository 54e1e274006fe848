#pragma once
// The kernels over the parameters that a step moves, wherever they lie in the model.

#include <cstdint>
#include <span>

#include "optim/ledger/kernels.h"
#include "optim/ledger/stretch.h"
#include "optim/ledger/tile.h"

namespace starling::optim {

/// Borrows all three; grid: the whole model, of any length.
struct MovingGrid {
  std::span<std::int32_t> grid;
  std::span<const Stretch> stretches;  ///< Of one step, or of several that move the same.
  const LedgerKernels& kernels;

  /// Adds every tile in one pass over memory. Tiles: transformed.
  void sweep(std::span<const StepTile> tiles) const;
  /// out[i] = 2^-24 * (grid[i] - step * 2^shift * z) for the parameters that move; the others are
  /// left alone. out: length of the grid.
  void perturb(const PhiloxKey& signs, const RowVote& vote, std::span<float> out) const;
};

}  // namespace starling::optim
