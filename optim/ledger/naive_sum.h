#pragma once
// The definition of the ledger as code: one vote and one parameter at a time. Every faster form
// must give the same integers; tests hold them to it.

#include <cstdint>
#include <span>

#include "optim/ledger/direction.h"
#include "optim/ledger/grid.h"
#include "optim/ledger/stretch.h"

namespace starling::optim {

/// One vote of a step, ready to be added: row of the Hadamard matrix and step in grid units,
/// modulo 2^32.
struct RowVote {
  std::uint32_t row = 0;
  std::uint32_t step = 0;
};

/// grid[offset + k] -= step * 2^shift * z[first + k] for the k-th parameter of the stretch.
inline void add_vote_naive(const PhiloxKey& signs, const RowVote& vote, const Stretch& stretch,
                           std::span<std::int32_t> grid) {
  const std::uint32_t step = vote.step << stretch.shift;
  PhiloxCounter block{};
  for (std::size_t k = 0; k < stretch.length; ++k) {
    const std::size_t number = stretch.first + k;
    const std::size_t bit = number % signs_per_block;
    if (bit == 0 || k == 0) block = sign_block(signs, number / signs_per_block);
    const bool sign_negative = ((block[bit / 32] >> (bit % 32)) & 1U) != 0;
    const bool negative = sign_negative != hadamard_negative(vote.row, number);
    std::int32_t& value = grid[stretch.offset + k];
    value = wrapping_add(value, negative ? step : 0U - step);
  }
}

/// grid[i] -= step * z[i] for every parameter.
inline void add_vote_naive(const PhiloxKey& signs, const RowVote& vote,
                           std::span<std::int32_t> grid) {
  add_vote_naive(signs, vote, {.length = grid.size()}, grid);
}

}  // namespace starling::optim
