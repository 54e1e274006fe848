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
  const std::size_t size = std::min<std::size_t>(key.size, permutation_.size());
  const std::uint64_t batches = permutation_.size() / size;
  shuffle_for(key.seed, key.step / batches);
  return std::span(permutation_).subspan(static_cast<std::size_t>(key.step % batches) * size, size);
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
