#pragma once
// The parameters that a step moves, in order, are numbered from 0; its directions are those of a
// model of these parameters alone. Specification: docs/LEDGER.md.

#include <cstddef>
#include <span>
#include <vector>

namespace starling::optim {

/// Neighbours in the model that are neighbours among the moving parameters too.
struct Stretch {
  std::size_t first = 0;   ///< Number of its first parameter among those that move.
  std::size_t offset = 0;  ///< Place of that parameter in the model.
  std::size_t length = 0;
  unsigned shift = 0;  ///< Directions are 2^shift times as long here.

  friend bool operator==(const Stretch&, const Stretch&) = default;
};

/// The same parameters in lists of `piece_size` each, but the last: piece p has the numbers from
/// p * piece_size on. stretches: without gaps in `first`, from 0.
[[nodiscard]] std::vector<std::vector<Stretch>> cut(std::span<const Stretch> stretches,
                                                    std::size_t piece_size);

}  // namespace starling::optim
