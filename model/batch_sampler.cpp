#include "model/batch_sampler.h"

#include <algorithm>
#include <numeric>

#include "starling/check.h"
#include "starling/rng.h"

namespace starling::model {

BatchSampler::BatchSampler(std::size_t sample_count) : permutation_(sample_count) {
  STARLING_CHECK(sample_count >= 1);
}

std::span<const std::uint32_t> BatchSampler::rows(const BatchKey& key) {
  STARLING_CHECK(key.size >= 1);
  if (key.is_poisson) return poisson_rows(key);
  const std::size_t size = std::min<std::size_t>(key.size, permutation_.size());
  const std::uint64_t batches = permutation_.size() / size;
  shuffle_for(key.seed, key.step / batches);
  return std::span(permutation_).subspan(static_cast<std::size_t>(key.step % batches) * size, size);
}

std::span<const std::uint32_t> BatchSampler::poisson_rows(const BatchKey& key) {
  const double rate = key.size / static_cast<double>(permutation_.size());
  Rng rng = Rng::for_stream(key.seed, key.step);
  poisson_rows_.clear();
  for (std::uint32_t row = 0; row < permutation_.size(); ++row) {
    if (rng.uniform() < rate) poisson_rows_.push_back(row);
  }
  return poisson_rows_;
}

void BatchSampler::shuffle_for(std::uint64_t seed, std::uint64_t epoch) {
  if (shuffled_ && seed == seed_ && epoch == epoch_) return;
  std::iota(permutation_.begin(), permutation_.end(), 0U);
  Rng::for_stream(seed, epoch).shuffle(std::span(permutation_));
  seed_ = seed;
  epoch_ = epoch;
  shuffled_ = true;
}

}  // namespace starling::model
