#include "optim/codec/kernels/top_k_kernels.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "optim/codec/kernels/top_k_scalar.h"
#include "optim/processor.h"
#include "starling/check.h"

namespace starling::optim {
namespace {

constexpr std::size_t word_values = 64;

[[nodiscard]] constexpr std::size_t words_of(std::size_t count) {
  return (count + word_values - 1) / word_values;
}

/// The words from `begin` on.
void mark_rest(std::span<const float> values, std::uint32_t threshold, std::size_t begin,
               std::uint64_t* marks) {
  for (std::size_t word = begin; word < words_of(values.size()); ++word) {
    const std::size_t first = word * word_values;
    const std::size_t count = std::min(word_values, values.size() - first);
    std::uint64_t mark = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const bool is_large = scalar::magnitude_bits(values[first + i]) >= threshold;
      mark |= std::uint64_t{is_large} << i;
    }
    marks[word] = mark;
  }
}

void mark_portable(std::span<const float> values, std::uint32_t threshold, std::uint64_t* marks) {
  mark_rest(values, threshold, 0, marks);
}

#if defined(__x86_64__)
// Magnitudes are below 2^31, so signed comparisons order them.

[[gnu::target("avx2")]] void mark_avx2(std::span<const float> values, std::uint32_t threshold,
                                       std::uint64_t* marks) {
  const __m256i without_sign = _mm256_set1_epi32(0x7fffffff);
  const __m256i below = _mm256_set1_epi32(static_cast<int>(threshold) - 1);
  std::size_t word = 0;
  for (; (word + 1) * word_values <= values.size(); ++word) {
    const auto* at = reinterpret_cast<const __m256i*>(values.data() + word * word_values);
    std::uint64_t mark = 0;
    for (unsigned r = 0; r < 8; ++r) {
      const __m256i magnitude = _mm256_and_si256(_mm256_loadu_si256(at + r), without_sign);
      const __m256 large = _mm256_castsi256_ps(_mm256_cmpgt_epi32(magnitude, below));
      mark |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm256_movemask_ps(large)))
              << (8 * r);
    }
    marks[word] = mark;
  }
  mark_rest(values, threshold, word, marks);
}

[[gnu::target("avx512f,avx512bw,avx512dq,avx512vl")]] void mark_avx512(
    std::span<const float> values, std::uint32_t threshold, std::uint64_t* marks) {
  const __m512i without_sign = _mm512_set1_epi32(0x7fffffff);
  const __m512i least = _mm512_set1_epi32(static_cast<int>(threshold));
  std::size_t word = 0;
  for (; (word + 1) * word_values <= values.size(); ++word) {
    const float* at = values.data() + word * word_values;
    std::uint64_t mark = 0;
    for (unsigned r = 0; r < 4; ++r) {
      const __m512i value = _mm512_loadu_si512(at + 16 * r);
      const __mmask16 large = _mm512_cmpge_epi32_mask(_mm512_and_si512(value, without_sign), least);
      mark |= std::uint64_t{large} << (16 * r);
    }
    marks[word] = mark;
  }
  mark_rest(values, threshold, word, marks);
}

constexpr std::array all_kernels{TopKKernels{"portable", mark_portable},
                                 TopKKernels{"avx2", mark_avx2},
                                 TopKKernels{"avx512", mark_avx512}};

std::size_t usable_count() {
  return usable_x86_kernels();
}
#elif defined(__aarch64__)
void mark_neon(std::span<const float> values, std::uint32_t threshold, std::uint64_t* marks) {
  const uint32x4_t without_sign = vdupq_n_u32(0x7fffffffU);
  const uint32x4_t least = vdupq_n_u32(threshold);
  const uint32_t lane_bits[4] = {1, 2, 4, 8};
  const uint32x4_t bits = vld1q_u32(lane_bits);
  std::size_t word = 0;
  for (; (word + 1) * word_values <= values.size(); ++word) {
    const float* at = values.data() + word * word_values;
    std::uint64_t mark = 0;
    for (unsigned r = 0; r < 16; ++r) {
      const uint32x4_t value = vreinterpretq_u32_f32(vld1q_f32(at + 4 * r));
      const uint32x4_t large = vcgeq_u32(vandq_u32(value, without_sign), least);
      mark |= std::uint64_t{vaddvq_u32(vandq_u32(large, bits))} << (4 * r);
    }
    marks[word] = mark;
  }
  mark_rest(values, threshold, word, marks);
}

constexpr std::array all_kernels{TopKKernels{"portable", mark_portable},
                                 TopKKernels{"neon", mark_neon}};

std::size_t usable_count() {
  return all_kernels.size();
}
#else
constexpr std::array all_kernels{TopKKernels{"portable", mark_portable}};

std::size_t usable_count() {
  return all_kernels.size();
}
#endif

/// Values looked at to guess a threshold, four neighbours at a time to spare cache lines. Our
/// guess: more sharpen the guess, and selecting among them takes longer.
constexpr std::size_t sample_size = 1024;
constexpr std::size_t sample_run = 4;

/// Magnitudes at places that no regular structure of the chunk follows: multiples of the golden
/// ratio, modulo 1. values: at least sample_size.
std::vector<std::uint32_t> sample_of(std::span<const float> values) {
  constexpr std::uint64_t golden = 0x9e3779b9U;  // 2^32 / golden ratio
  const std::uint64_t places = values.size() - sample_run + 1;
  std::vector<std::uint32_t> sample(sample_size);
  for (std::size_t i = 0; i < sample_size; ++i) {
    const auto fraction = static_cast<std::uint32_t>(i / sample_run * golden);
    const std::size_t at = static_cast<std::size_t>(fraction * places >> 32U) + i % sample_run;
    sample[i] = scalar::magnitude_bits(values[at]);
  }
  return sample;
}

/// The sample's rank above which more than `kept` of `count` values lie, all but surely.
std::size_t sample_rank(std::size_t kept, std::size_t count) {
  const double share = static_cast<double>(kept) / static_cast<double>(count);
  const double mean = share * static_cast<double>(sample_size);
  // Four standard deviations of a binomial count, and a few for neighbours that are alike.
  return static_cast<std::size_t>(mean + 4 * std::sqrt(mean) + 4);
}

/// Marks at least `kept` values, all magnitudes at or above some threshold; returns their number.
std::size_t mark_candidates(const TopKKernels& kernels, std::span<const float> values,
                            std::size_t kept, std::uint64_t* marks) {
  std::vector<std::uint32_t> sample;
  if (values.size() > 4 * sample_size) sample = sample_of(values);
  for (std::size_t rank = sample_rank(kept, values.size());; rank *= 2) {
    const bool guesses = rank < sample.size() / 2;
    kernels.mark(values, guesses ? scalar::kth_largest(sample, rank) : 0, marks);
    std::size_t count = 0;
    for (std::size_t word = 0; word < words_of(values.size()); ++word) {
      count += static_cast<std::size_t>(std::popcount(marks[word]));
    }
    if (count >= kept) return count;
  }
}

}  // namespace

std::span<const TopKKernels> usable_top_k_kernels() {
  return std::span(all_kernels).first(usable_count());
}

const TopKKernels& best_top_k_kernels() {
  static const TopKKernels& best = usable_top_k_kernels().back();
  return best;
}

void select_top_k(const TopKKernels& kernels, std::span<const float> values,
                  std::span<std::uint16_t> indices) {
  STARLING_CHECK(!indices.empty() && indices.size() <= values.size());
  STARLING_CHECK(values.size() <= top_k_values_max);
  std::array<std::uint64_t, top_k_values_max / word_values> marks;
  std::vector<std::uint16_t> candidates(
      mark_candidates(kernels, values, indices.size(), marks.data()));
  std::vector<std::uint32_t> magnitudes(candidates.size());
  std::size_t found = 0;
  for (std::size_t word = 0; word < words_of(values.size()); ++word) {
    for (std::uint64_t left = marks[word]; left != 0; left &= left - 1) {
      const auto bit = static_cast<std::size_t>(std::countr_zero(left));
      candidates[found] = static_cast<std::uint16_t>(word * word_values + bit);
      magnitudes[found] = scalar::magnitude_bits(values[candidates[found]]);
      ++found;
    }
  }
  const std::uint32_t threshold = scalar::kth_largest(magnitudes, indices.size());
  // nth_element has put all that is larger before the threshold.
  const auto above =
      std::ranges::count_if(std::span(magnitudes).first(indices.size()),
                            [threshold](std::uint32_t magnitude) { return magnitude > threshold; });
  std::size_t ties_left = indices.size() - static_cast<std::size_t>(above);
  // Taken in place and without branches: what is kept follows no pattern a processor could learn.
  std::size_t taken = 0;
  for (const std::uint16_t candidate : candidates) {
    const std::uint32_t magnitude = scalar::magnitude_bits(values[candidate]);
    const bool is_tie = magnitude == threshold && ties_left > 0;
    candidates[taken] = candidate;
    taken += static_cast<std::size_t>(magnitude > threshold || is_tie);
    ties_left -= static_cast<std::size_t>(is_tie);
  }
  std::ranges::copy(std::span(candidates).first(indices.size()), indices.begin());
}

}  // namespace starling::optim
