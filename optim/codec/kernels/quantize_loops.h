#pragma once
// Between the files of the quantizer's kernels: plain loops for whatever is left of a register, and
// the tables that the files of single instruction sets define.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "optim/byte_io.h"
#include "optim/codec/kernels/quantize_kernels.h"
#include "optim/codec/kernels/quantize_scalar.h"

namespace starling::optim {

#if defined(__x86_64__)
extern const QuantizeKernels avx2_quantize_kernels;
extern const QuantizeKernels avx512_quantize_kernels;
#elif defined(__aarch64__)
extern const QuantizeKernels neon_quantize_kernels;
#endif

/// Values that round() has fetched ahead. Memory would idle while it computes, because largest()
/// has brought its block into the cache; 8 KiB was the best of 2 to 16 KiB (bench/micro/codec.cpp).
inline constexpr std::size_t fetch_ahead = 2048;

/// Inlined into a function of each instruction set, which compilers vectorise.
#define STARLING_LOOP [[gnu::always_inline]] inline

/// The values from `begin` on.
STARLING_LOOP void round_rest(std::span<const float> values, const QuantizeRounding& rounding,
                              std::size_t begin, std::uint8_t* levels) {
  for (std::size_t i = begin; i < values.size(); ++i) {
    levels[i] = scalar::level_of(values[i], rounding, i);
  }
}

STARLING_LOOP void restore_rest(std::span<const std::uint8_t> levels, const QuantizeGrid& grid,
                                std::size_t begin, float* out) {
  for (std::size_t i = begin; i < levels.size(); ++i) {
    out[i] = static_cast<float>(levels[i]) * grid.step - grid.scale;
  }
}

STARLING_LOOP void mix_rest(std::span<const std::uint8_t> levels, const QuantizeGrid& grid,
                            std::size_t begin, const QuantizeMix& mix) {
  for (std::size_t i = begin; i < levels.size(); ++i) {
    const float value = static_cast<float>(levels[i]) * grid.step - grid.scale;
    mix.target[i] += mix.rate * (value - mix.own[i]);
  }
}

inline constexpr std::uint64_t low_bytes = 0x00ff00ff00ff00ffU;
inline constexpr std::uint64_t low_halves = 0x0000ffff0000ffffU;
inline constexpr std::uint64_t low_word = 0x00000000ffffffffU;

/// Groups whose words are gathered or scattered before they are copied: enough for registers.
inline constexpr std::size_t groups_at_once = 64;
using GroupWords = std::array<std::uint64_t, groups_at_once>;

/// Groups that may be copied as eight bytes each without touching what lies behind the last.
[[nodiscard]] constexpr std::size_t wide_groups(std::size_t groups, std::uint32_t bits) {
  const std::size_t bytes = groups * bits;
  return bytes < sizeof(std::uint64_t) ? 0 : (bytes - sizeof(std::uint64_t)) / bits + 1;
}

/// The groups from `begin` on. Pairs of bytes, then of halves, then of words move together.
STARLING_LOOP void pack_rest(std::span<const std::uint8_t> levels, std::uint32_t bits,
                             std::size_t begin, std::uint8_t* out) {
  const std::size_t groups = levels.size() / quantize_group_values;
  const std::size_t wide = wide_groups(groups, bits);
  GroupWords words;
  for (; begin < groups; begin += groups_at_once) {
    const std::size_t count = std::min(groups_at_once, groups - begin);
    for (std::size_t g = 0; g < count; ++g) {
      auto x = fetch<std::uint64_t>(levels.data() + (begin + g) * quantize_group_values);
      x = (x & low_bytes) | ((x & ~low_bytes) >> (8U - bits));
      x = (x & low_halves) | ((x & ~low_halves) >> (16U - 2U * bits));
      words[g] = (x & low_word) | ((x & ~low_word) >> (32U - 4U * bits));
    }
    const std::size_t end = begin + count;
    for (std::size_t g = begin; g < std::min(end, wide); ++g) {
      store(out + g * bits, words[g - begin]);
    }
    for (std::size_t g = std::max(begin, wide); g < end; ++g) {
      std::memcpy(out + g * bits, &words[g - begin], bits);
    }
  }
}

STARLING_LOOP void unpack_rest(const std::uint8_t* in, std::uint32_t bits, std::size_t begin,
                               std::span<std::uint8_t> levels) {
  const std::uint64_t one = ((std::uint64_t{1} << bits) - 1U) * 0x0001000100010001U;
  const std::uint64_t two = ((std::uint64_t{1} << (2U * bits)) - 1U) * 0x0000000100000001U;
  const std::uint64_t four = (std::uint64_t{1} << (4U * bits)) - 1U;
  const std::size_t groups = levels.size() / quantize_group_values;
  const std::size_t wide = wide_groups(groups, bits);
  GroupWords words;
  for (; begin < groups; begin += groups_at_once) {
    const std::size_t end = std::min(begin + groups_at_once, groups);
    for (std::size_t g = begin; g < std::min(end, wide); ++g) {
      words[g - begin] = fetch<std::uint64_t>(in + g * bits);
    }
    for (std::size_t g = std::max(begin, wide); g < end; ++g) {
      words[g - begin] = 0;
      std::memcpy(&words[g - begin], in + g * bits, bits);
    }
    for (std::size_t g = 0; g < end - begin; ++g) {
      std::uint64_t x = words[g];
      x = (x & four) | ((x >> (4U * bits) & four) << 32U);
      x = (x & two) | ((x >> (2U * bits) & two) << 16U);
      x = (x & one) | ((x >> bits & one) << 8U);
      store(levels.data() + (begin + g) * quantize_group_values, x);
    }
  }
}

}  // namespace starling::optim
