#include "optim/codec/kernels/quantize_loops.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#include <algorithm>
#include <bit>

namespace starling::optim {
namespace {

constexpr std::size_t lanes = 4;
constexpr std::size_t at_once = 4 * lanes;

float largest_neon(std::span<const float> values) {
  const uint32x4_t without_sign = vdupq_n_u32(0x7fffffffU);
  uint32x4_t largest = vdupq_n_u32(0);
  std::size_t i = 0;
  for (; i + lanes <= values.size(); i += lanes) {
    const uint32x4_t value = vreinterpretq_u32_f32(vld1q_f32(values.data() + i));
    largest = vmaxq_u32(largest, vandq_u32(value, without_sign));
  }
  const float rest = scalar::largest_magnitude(values.subspan(i));
  return std::bit_cast<float>(std::max(vmaxvq_u32(largest), std::bit_cast<std::uint32_t>(rest)));
}

/// The levels of four values as 32-bit integers; x: the hash's input.
inline uint32x4_t levels_neon(float32x4_t value, uint32x4_t x, const QuantizeRounding& by) {
  x = vmulq_n_u32(veorq_u32(x, vshrq_n_u32(x, 16)), scalar::noise_factors[0]);
  x = vmulq_n_u32(veorq_u32(x, vshrq_n_u32(x, 15)), scalar::noise_factors[1]);
  x = vshrq_n_u32(veorq_u32(x, vshrq_n_u32(x, 16)), 8);
  const float32x4_t position = vmulq_n_f32(vaddq_f32(value, vdupq_n_f32(by.scale)), by.per_value);
  // The product is exact, so this rounds once, like the twin's sum.
  const float32x4_t noisy = vfmaq_n_f32(position, vcvtq_f32_u32(x), 0x1.0p-24F);
  // Nothing is below 0 here. The minimum keeps NaN, which becomes 0.
  return vcvtq_u32_f32(vminq_f32(vdupq_n_f32(by.top), noisy));
}

void round_neon(std::span<const float> values, const QuantizeRounding& by, std::uint8_t* levels) {
  const uint32_t first_lanes[lanes] = {0, 1, 2, 3};
  const uint32x4_t start = vdupq_n_u32(by.first * scalar::noise_index_factor + by.noise_key);
  uint32x4_t x = vaddq_u32(vmulq_n_u32(vld1q_u32(first_lanes), scalar::noise_index_factor), start);
  const uint32x4_t advance = vdupq_n_u32(4U * scalar::noise_index_factor);
  std::size_t i = 0;
  for (; i + at_once <= values.size(); i += at_once) {
    __builtin_prefetch(values.data() + i + fetch_ahead);
    uint16x4_t four[4];
    for (std::size_t r = 0; r < 4; ++r) {
      four[r] = vmovn_u32(levels_neon(vld1q_f32(values.data() + i + r * lanes), x, by));
      x = vaddq_u32(x, advance);
    }
    const uint8x8_t low = vmovn_u16(vcombine_u16(four[0], four[1]));
    const uint8x8_t high = vmovn_u16(vcombine_u16(four[2], four[3]));
    vst1q_u8(levels + i, vcombine_u8(low, high));
  }
  round_rest(values, by, i, levels);
}

/// Sixteen values in four registers.
struct FourRegisters {
  float32x4_t part[4];
};

inline FourRegisters values_neon(const std::uint8_t* levels, const QuantizeGrid& grid) {
  const uint8x16_t bytes = vld1q_u8(levels);
  const uint16x8_t low = vmovl_u8(vget_low_u8(bytes));
  const uint16x8_t high = vmovl_u8(vget_high_u8(bytes));
  const uint32x4_t words[4] = {vmovl_u16(vget_low_u16(low)), vmovl_u16(vget_high_u16(low)),
                               vmovl_u16(vget_low_u16(high)), vmovl_u16(vget_high_u16(high))};
  FourRegisters values;
  for (std::size_t r = 0; r < 4; ++r) {
    const float32x4_t scaled = vmulq_n_f32(vcvtq_f32_u32(words[r]), grid.step);
    values.part[r] = vsubq_f32(scaled, vdupq_n_f32(grid.scale));
  }
  return values;
}

void restore_neon(std::span<const std::uint8_t> levels, const QuantizeGrid& grid, float* out) {
  std::size_t i = 0;
  for (; i + at_once <= levels.size(); i += at_once) {
    const FourRegisters values = values_neon(levels.data() + i, grid);
    for (std::size_t r = 0; r < 4; ++r) vst1q_f32(out + i + r * lanes, values.part[r]);
  }
  restore_rest(levels, grid, i, out);
}

void mix_neon(std::span<const std::uint8_t> levels, const QuantizeGrid& grid,
              const QuantizeMix& mix) {
  std::size_t i = 0;
  for (; i + at_once <= levels.size(); i += at_once) {
    const FourRegisters values = values_neon(levels.data() + i, grid);
    for (std::size_t r = 0; r < 4; ++r) {
      float* target = mix.target.data() + i + r * lanes;
      const float32x4_t own = vld1q_f32(mix.own.data() + i + r * lanes);
      const float32x4_t change = vmulq_n_f32(vsubq_f32(values.part[r], own), mix.rate);
      vst1q_f32(target, vaddq_f32(vld1q_f32(target), change));
    }
  }
  mix_rest(levels, grid, i, mix);
}

void pack_neon(std::span<const std::uint8_t> levels, std::uint32_t bits, std::uint8_t* out) {
  std::size_t i = 0;
  for (; bits == 4 && i + 32 <= levels.size(); i += 32) {
    const uint8x16x2_t pairs = vld2q_u8(levels.data() + i);
    vst1q_u8(out + i / 2, vsliq_n_u8(pairs.val[0], pairs.val[1], 4));
  }
  pack_rest(levels, bits, i / quantize_group_values, out);
}

void unpack_neon(const std::uint8_t* in, std::uint32_t bits, std::span<std::uint8_t> levels) {
  std::size_t i = 0;
  for (; bits == 4 && i + 32 <= levels.size(); i += 32) {
    const uint8x16_t bytes = vld1q_u8(in + i / 2);
    const uint8x16x2_t pairs = {{vandq_u8(bytes, vdupq_n_u8(0x0f)), vshrq_n_u8(bytes, 4)}};
    vst2q_u8(levels.data() + i, pairs);
  }
  unpack_rest(in, bits, i / quantize_group_values, levels);
}

}  // namespace

constinit const QuantizeKernels neon_quantize_kernels{
    "neon", largest_neon, round_neon, restore_neon, mix_neon, pack_neon, unpack_neon};

}  // namespace starling::optim

#endif
