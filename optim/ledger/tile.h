#pragma once
// The Hadamard tile: all votes of a step for the price of one (LEDGER.md). Votes are scattered into
// an array of B row sums, transformed once, and swept over the parameters.

#include <cstdint>
#include <span>
#include <vector>

#include "optim/ledger/direction.h"
#include "optim/ledger/kernels.h"

namespace starling::optim {

/// Parameters that stay in the first-level cache while tile after tile is added: 16 KiB of 32.
inline constexpr std::size_t cached_size = 2 * group_size;

/// The sum of any number of votes of one step. Linear: the sums of two tiles of a step add up.
class StepTile {
 public:
  /// rows: B, a power of two.
  StepTile(const PhiloxKey& signs, std::uint32_t rows);

  void add(const RowVote& vote) { sums_[vote.row] += vote.step; }

  /// The tile in the form that the sweep reads. Once, after the last add().
  void transform(const LedgerKernels& kernels);
  [[nodiscard]] SummedStep summed() const { return {signs_, sums_}; }

 private:
  PhiloxKey signs_;
  std::uint32_t rows_;
  std::vector<std::uint32_t> sums_;  ///< Repeated up to group_size if rows_ is less.
};

/// Adds every tile in one pass over the part's memory. Tiles: transformed.
/// Thread: disjoint parts may be worked on at the same time.
void sweep_tiles(const GridPart& part, std::span<const StepTile> tiles,
                 const LedgerKernels& kernels);

}  // namespace starling::optim
