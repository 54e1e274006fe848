#pragma once
// Random votes, tiles of them and a digest, shared by the ledger's tests.

#include <cstdint>
#include <span>
#include <vector>

#include "optim/ledger/kernels.h"
#include "optim/ledger/naive_sum.h"
#include "optim/ledger/tile.h"
#include "optim/vote_replica.h"
#include "starling/rng.h"

namespace starling::optim::test {

template <class Id>
[[nodiscard]] Id id_of(std::uint64_t seed) {
  Rng rng(seed);
  Id id;
  for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(rng.next());
  return id;
}

[[nodiscard]] inline std::vector<std::int32_t> random_grid(std::size_t size, Rng& rng) {
  std::vector<std::int32_t> grid(size);
  for (auto& value : grid) value = static_cast<std::int32_t>(rng.next());
  return grid;
}

[[nodiscard]] inline std::vector<RowVote> random_votes(std::size_t count, std::uint32_t rows,
                                                       Rng& rng) {
  std::vector<RowVote> votes(count);
  for (RowVote& vote : votes) {
    vote = {static_cast<std::uint32_t>(rng.below(rows)), static_cast<std::uint32_t>(rng.next())};
  }
  return votes;
}

/// Tiles of `steps` steps with 20 random votes each, transformed. Every vote goes to
/// add_naive(signs, vote) too, which makes the sum that they are compared with.
template <class AddNaive>
[[nodiscard]] std::vector<StepTile> random_tiles(Step steps, std::uint32_t rows, Rng& rng,
                                                 const AddNaive& add_naive) {
  std::vector<StepTile> tiles;
  for (Step step = 0; step < steps; ++step) {
    const StepKeys keys = step_keys(id_of<RunId>(1), step);
    tiles.emplace_back(keys.signs, rows);
    for (const RowVote& vote : random_votes(20, rows, rng)) {
      add_naive(keys.signs, vote);
      tiles.back().add(vote);
    }
    tiles.back().transform(best_kernels());
  }
  return tiles;
}

/// FNV-1a over the little-endian bytes: enough to compare builds, without crypto.
[[nodiscard]] inline std::uint64_t fingerprint(std::span<const std::int32_t> grid) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const std::int32_t value : grid) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
      hash = (hash ^ ((static_cast<std::uint32_t>(value) >> shift) & 0xffU)) * 0x100000001b3U;
    }
  }
  return hash;
}

}  // namespace starling::optim::test
