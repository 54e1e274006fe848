#include "optim/codec/kernels/quantize_loops.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <bit>

#define STARLING_AVX2 [[gnu::target("avx2,fma")]]

namespace starling::optim {
namespace {

constexpr std::size_t avx2_lanes = 8;

STARLING_AVX2 float largest_avx2(std::span<const float> values) {
  const __m256i without_sign = _mm256_set1_epi32(0x7fffffff);
  __m256i largest = _mm256_setzero_si256();
  std::size_t i = 0;
  for (; i + avx2_lanes <= values.size(); i += avx2_lanes) {
    const auto* at = reinterpret_cast<const __m256i*>(values.data() + i);
    largest = _mm256_max_epu32(largest, _mm256_and_si256(_mm256_loadu_si256(at), without_sign));
  }
  std::uint32_t lanes[avx2_lanes];
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes), largest);
  const float rest = scalar::largest_magnitude(values.subspan(i));
  return std::bit_cast<float>(
      std::max(*std::ranges::max_element(lanes), std::bit_cast<std::uint32_t>(rest)));
}

/// The levels of eight values as 32-bit integers; x: the hash's input.
STARLING_AVX2 inline __m256i levels_avx2(__m256 value, __m256i x, const QuantizeRounding& by) {
  x = _mm256_mullo_epi32(_mm256_xor_si256(x, _mm256_srli_epi32(x, 16)),
                         _mm256_set1_epi32(static_cast<int>(scalar::noise_factors[0])));
  x = _mm256_mullo_epi32(_mm256_xor_si256(x, _mm256_srli_epi32(x, 15)),
                         _mm256_set1_epi32(static_cast<int>(scalar::noise_factors[1])));
  x = _mm256_srli_epi32(_mm256_xor_si256(x, _mm256_srli_epi32(x, 16)), 8);
  const __m256 position =
      _mm256_mul_ps(_mm256_add_ps(value, _mm256_set1_ps(by.scale)), _mm256_set1_ps(by.per_value));
  // The product is exact, so this rounds once, like the twin's sum.
  const __m256 noisy = _mm256_fmadd_ps(_mm256_cvtepi32_ps(x), _mm256_set1_ps(0x1.0p-24F), position);
  // Nothing is below 0 here. NaN passes the minimum and becomes the least integer, whose low byte
  // is 0 and which saturates to 0.
  return _mm256_cvttps_epi32(_mm256_min_ps(_mm256_set1_ps(by.top), noisy));
}

STARLING_AVX2 void round_avx2(std::span<const float> values, const QuantizeRounding& by,
                              std::uint8_t* levels) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const auto factor = static_cast<int>(scalar::noise_index_factor);
  const __m256i start =
      _mm256_set1_epi32(static_cast<int>(by.first * scalar::noise_index_factor + by.noise_key));
  __m256i x = _mm256_add_epi32(_mm256_mullo_epi32(lane, _mm256_set1_epi32(factor)), start);
  const __m256i advance = _mm256_set1_epi32(static_cast<int>(8U * scalar::noise_index_factor));
  const __m256i in_order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  constexpr std::size_t at_once = 4 * avx2_lanes;
  std::size_t i = 0;
  for (; i + at_once <= values.size(); i += at_once) {
    __builtin_prefetch(values.data() + i + fetch_ahead);
    __builtin_prefetch(values.data() + i + fetch_ahead + at_once / 2);
    __m256i four[4];
    for (std::size_t r = 0; r < 4; ++r) {
      four[r] = levels_avx2(_mm256_loadu_ps(values.data() + i + r * avx2_lanes), x, by);
      x = _mm256_add_epi32(x, advance);
    }
    const __m256i low = _mm256_packs_epi32(four[0], four[1]);
    const __m256i high = _mm256_packs_epi32(four[2], four[3]);
    const __m256i bytes = _mm256_packus_epi16(low, high);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(levels + i),
                        _mm256_permutevar8x32_epi32(bytes, in_order));
  }
  round_rest(values, by, i, levels);
}

STARLING_AVX2 inline __m256 values_avx2(const std::uint8_t* levels, const QuantizeGrid& grid) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(levels));
  const __m256 level = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
  return _mm256_sub_ps(_mm256_mul_ps(level, _mm256_set1_ps(grid.step)), _mm256_set1_ps(grid.scale));
}

STARLING_AVX2 void restore_avx2(std::span<const std::uint8_t> levels, const QuantizeGrid& grid,
                                float* out) {
  std::size_t i = 0;
  for (; i + avx2_lanes <= levels.size(); i += avx2_lanes) {
    _mm256_storeu_ps(out + i, values_avx2(levels.data() + i, grid));
  }
  restore_rest(levels, grid, i, out);
}

STARLING_AVX2 void mix_avx2(std::span<const std::uint8_t> levels, const QuantizeGrid& grid,
                            const QuantizeMix& mix) {
  const __m256 rate = _mm256_set1_ps(mix.rate);
  std::size_t i = 0;
  for (; i + avx2_lanes <= levels.size(); i += avx2_lanes) {
    const __m256 own = _mm256_loadu_ps(mix.own.data() + i);
    const __m256 change =
        _mm256_mul_ps(rate, _mm256_sub_ps(values_avx2(levels.data() + i, grid), own));
    float* target = mix.target.data() + i;
    _mm256_storeu_ps(target, _mm256_add_ps(_mm256_loadu_ps(target), change));
  }
  mix_rest(levels, grid, i, mix);
}

/// Four bits at once: byte pairs (a, b) become a + 16 b.
STARLING_AVX2 void pack_avx2(std::span<const std::uint8_t> levels, std::uint32_t bits,
                             std::uint8_t* out) {
  std::size_t i = 0;
  const __m256i weights = _mm256_set1_epi16(0x1001);
  for (; bits == 4 && i + 64 <= levels.size(); i += 64) {
    const auto* at = reinterpret_cast<const __m256i*>(levels.data() + i);
    const __m256i low = _mm256_maddubs_epi16(_mm256_loadu_si256(at), weights);
    const __m256i high = _mm256_maddubs_epi16(_mm256_loadu_si256(at + 1), weights);
    const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(low, high), 0xd8);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i / 2), bytes);
  }
  pack_rest(levels, bits, i / quantize_group_values, out);
}

STARLING_AVX2 void unpack_avx2(const std::uint8_t* in, std::uint32_t bits,
                               std::span<std::uint8_t> levels) {
  std::size_t i = 0;
  const __m256i low_bits = _mm256_set1_epi8(0x0f);
  for (; bits == 4 && i + 32 <= levels.size(); i += 32) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + i / 2));
    const __m256i pairs = _mm256_cvtepu8_epi16(bytes);
    const __m256i apart = _mm256_or_si256(pairs, _mm256_slli_epi16(pairs, 4));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(levels.data() + i),
                        _mm256_and_si256(apart, low_bits));
  }
  unpack_rest(in, bits, i / quantize_group_values, levels);
}

}  // namespace

constinit const QuantizeKernels avx2_quantize_kernels{
    "avx2", largest_avx2, round_avx2, restore_avx2, mix_avx2, pack_avx2, unpack_avx2};

}  // namespace starling::optim

#endif
