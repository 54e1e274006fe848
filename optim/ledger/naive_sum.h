#pragma once
// The definition of the ledger as code: one vote and one parameter at a time. Every faster form
// must give the same integers; tests hold them to it.

#include <cstdint>
#include <span>

#include "optim/ledger/direction.h"
#include "optim/ledger/grid.h"

namespace starling::optim {

/// One vote of a step, ready to be added: row of the Hadamard matrix and step in grid units,
/// modulo 2^32.
struct RowVote {
  std::uint32_t row = 0;
  std::uint32_t step = 0;
};

/// grid[i] -= step * z[i] for every parameter.
inline void add_vote_naive(const PhiloxKey& signs, const RowVote& vote,
                           std::span<std::int32_t> grid) {
  PhiloxCounter block{};
  for (std::size_t i = 0; i < grid.size(); ++i) {
    const std::size_t bit = i % signs_per_block;
    if (bit == 0) block = sign_block(signs, i / signs_per_block);
    const bool sign_negative = ((block[bit / 32] >> (bit % 32)) & 1U) != 0;
    const bool negative = sign_negative != hadamard_negative(vote.row, i);
    grid[i] = wrapping_add(grid[i], negative ? vote.step : 0U - vote.step);
  }
}

}  // namespace starling::optim
