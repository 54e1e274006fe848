#pragma once
// Turns a BatchKey into sample rows: epochs without replacement.

#include <cstdint>
#include <span>
#include <vector>

#include "starling/task.h"

namespace starling::model {

/// Step t of a seed reads batch (t mod batches per epoch) of epoch (t / batches per epoch), each
/// epoch being a fresh permutation; a remainder smaller than a batch is left to later epochs.
/// The result is a function of the key alone; the last permutation is only kept for speed.
class BatchSampler {
 public:
  /// sample_count >= 1.
  explicit BatchSampler(std::size_t sample_count);

  /// min(key.size, sample_count) distinct rows, valid until the next call. key.size >= 1. Under
  /// key.is_poisson: each row with probability key.size / sample_count, whatever other steps read.
  [[nodiscard]] std::span<const std::uint32_t> rows(const BatchKey& key);

 private:
  std::span<const std::uint32_t> poisson_rows(const BatchKey& key);
  void shuffle_for(std::uint64_t seed, std::uint64_t epoch);

  std::vector<std::uint32_t> permutation_;
  std::vector<std::uint32_t> poisson_rows_;
  std::uint64_t seed_ = 0;
  std::uint64_t epoch_ = 0;
  bool shuffled_ = false;
};

}  // namespace starling::model
