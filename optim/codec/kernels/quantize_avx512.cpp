#include "optim/codec/kernels/quantize_loops.h"

#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
// g++ 12's own header leaves on purpose unset what its intrinsics overwrite (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <bit>

#define STARLING_AVX512 [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl")]]

namespace starling::optim {
namespace {

constexpr std::size_t avx512_lanes = 16;

/// The first `count` lanes; count at most 16.
STARLING_AVX512 inline __mmask16 first_lanes(std::size_t count) {
  return static_cast<__mmask16>((1U << count) - 1U);
}

STARLING_AVX512 float largest_avx512(std::span<const float> values) {
  const __m512i without_sign = _mm512_set1_epi32(0x7fffffff);
  __m512i largest = _mm512_setzero_si512();
  std::size_t i = 0;
  for (; i + avx512_lanes <= values.size(); i += avx512_lanes) {
    const __m512i value = _mm512_loadu_si512(values.data() + i);
    largest = _mm512_max_epu32(largest, _mm512_and_si512(value, without_sign));
  }
  const __m512i rest = _mm512_maskz_loadu_epi32(first_lanes(values.size() - i), values.data() + i);
  largest = _mm512_max_epu32(largest, _mm512_and_si512(rest, without_sign));
  return std::bit_cast<float>(_mm512_reduce_max_epu32(largest));
}

/// As levels_avx2.
STARLING_AVX512 inline __m512i levels_avx512(__m512 value, __m512i x, const QuantizeRounding& by) {
  x = _mm512_mullo_epi32(_mm512_xor_si512(x, _mm512_srli_epi32(x, 16)),
                         _mm512_set1_epi32(static_cast<int>(scalar::noise_factors[0])));
  x = _mm512_mullo_epi32(_mm512_xor_si512(x, _mm512_srli_epi32(x, 15)),
                         _mm512_set1_epi32(static_cast<int>(scalar::noise_factors[1])));
  // (x ^ x >> 16) without its low byte: the twin's integer times 2^8, converted as exactly.
  constexpr int xor_then_and = 0x28;
  x = _mm512_ternarylogic_epi32(x, _mm512_srli_epi32(x, 16), _mm512_set1_epi32(-256), xor_then_and);
  const __m512 position =
      _mm512_mul_ps(_mm512_add_ps(value, _mm512_set1_ps(by.scale)), _mm512_set1_ps(by.per_value));
  const __m512 noisy = _mm512_fmadd_ps(_mm512_cvtepu32_ps(x), _mm512_set1_ps(0x1.0p-32F), position);
  return _mm512_cvttps_epi32(_mm512_min_ps(_mm512_set1_ps(by.top), noisy));
}

STARLING_AVX512 void round_avx512(std::span<const float> values, const QuantizeRounding& by,
                                  std::uint8_t* levels) {
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const auto factor = static_cast<int>(scalar::noise_index_factor);
  const __m512i start =
      _mm512_set1_epi32(static_cast<int>(by.first * scalar::noise_index_factor + by.noise_key));
  __m512i x = _mm512_add_epi32(_mm512_mullo_epi32(lane, _mm512_set1_epi32(factor)), start);
  const __m512i advance = _mm512_set1_epi32(static_cast<int>(16U * scalar::noise_index_factor));
  std::size_t i = 0;
  for (; i + avx512_lanes <= values.size(); i += avx512_lanes) {
    __builtin_prefetch(values.data() + i + fetch_ahead);
    const __m512i level = levels_avx512(_mm512_loadu_ps(values.data() + i), x, by);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(levels + i), _mm512_cvtepi32_epi8(level));
    x = _mm512_add_epi32(x, advance);
  }
  const __mmask16 rest = first_lanes(values.size() - i);
  const __m512i level = levels_avx512(_mm512_maskz_loadu_ps(rest, values.data() + i), x, by);
  _mm_mask_storeu_epi8(levels + i, rest, _mm512_cvtepi32_epi8(level));
}

STARLING_AVX512 inline __m512 values_avx512(__m128i levels, const QuantizeGrid& grid) {
  const __m512 level = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(levels));
  return _mm512_sub_ps(_mm512_mul_ps(level, _mm512_set1_ps(grid.step)), _mm512_set1_ps(grid.scale));
}

STARLING_AVX512 void restore_avx512(std::span<const std::uint8_t> levels, const QuantizeGrid& grid,
                                    float* out) {
  std::size_t i = 0;
  for (; i + avx512_lanes <= levels.size(); i += avx512_lanes) {
    const auto* at = reinterpret_cast<const __m128i*>(levels.data() + i);
    _mm512_storeu_ps(out + i, values_avx512(_mm_loadu_si128(at), grid));
  }
  const __mmask16 rest = first_lanes(levels.size() - i);
  const __m128i bytes = _mm_maskz_loadu_epi8(rest, levels.data() + i);
  _mm512_mask_storeu_ps(out + i, rest, values_avx512(bytes, grid));
}

STARLING_AVX512 void mix_avx512(std::span<const std::uint8_t> levels, const QuantizeGrid& grid,
                                const QuantizeMix& mix) {
  const __m512 rate = _mm512_set1_ps(mix.rate);
  std::size_t i = 0;
  for (; i + avx512_lanes <= levels.size(); i += avx512_lanes) {
    const auto* at = reinterpret_cast<const __m128i*>(levels.data() + i);
    const __m512 own = _mm512_loadu_ps(mix.own.data() + i);
    const __m512 change =
        _mm512_mul_ps(rate, _mm512_sub_ps(values_avx512(_mm_loadu_si128(at), grid), own));
    float* target = mix.target.data() + i;
    _mm512_storeu_ps(target, _mm512_add_ps(_mm512_loadu_ps(target), change));
  }
  mix_rest(levels, grid, i, mix);
}

/// Four bits at once: byte pairs (a, b) become a + 16 b.
STARLING_AVX512 void pack_avx512(std::span<const std::uint8_t> levels, std::uint32_t bits,
                                 std::uint8_t* out) {
  std::size_t i = 0;
  const __m512i weights = _mm512_set1_epi16(0x1001);
  for (; bits == 4 && i + 64 <= levels.size(); i += 64) {
    const __m512i pairs = _mm512_maddubs_epi16(_mm512_loadu_si512(levels.data() + i), weights);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i / 2), _mm512_cvtepi16_epi8(pairs));
  }
  pack_rest(levels, bits, i / quantize_group_values, out);
}

STARLING_AVX512 void unpack_avx512(const std::uint8_t* in, std::uint32_t bits,
                                   std::span<std::uint8_t> levels) {
  std::size_t i = 0;
  const __m512i low_bits = _mm512_set1_epi8(0x0f);
  for (; bits == 4 && i + 64 <= levels.size(); i += 64) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + i / 2));
    const __m512i pairs = _mm512_cvtepu8_epi16(bytes);
    const __m512i apart = _mm512_or_si512(pairs, _mm512_slli_epi16(pairs, 4));
    _mm512_storeu_si512(levels.data() + i, _mm512_and_si512(apart, low_bits));
  }
  unpack_rest(in, bits, i / quantize_group_values, levels);
}

}  // namespace

constinit const QuantizeKernels avx512_quantize_kernels{
    "avx512", largest_avx512, round_avx512, restore_avx512, mix_avx512, pack_avx512, unpack_avx512};

}  // namespace starling::optim

#endif
