#pragma once
// The quantizer of one chunk, value by value. It defines the bytes; the kernels must equal it.
//
// Layout of a chunk: an fp32 scale per block, then the packed levels. Level q of 0..L stands for
// s (2 q / L - 1), L = 2^bits - 2: an even number of steps, so that zero is a level and what does
// not move costs no noise. One bit has the levels -s and s only.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "optim/byte_io.h"
#include "optim/codec/kernels/quantize_kernels.h"

namespace starling::optim::scalar {

/// The highest level.
[[nodiscard]] constexpr float level_max(std::uint32_t bits) {
  return bits == 1 ? 1.0F : static_cast<float>((1U << bits) - 2U);
}

/// 2^32 divided by the golden ratio: neighbouring indices differ in many bits of the product.
inline constexpr std::uint32_t noise_index_factor = 0x9e3779b9U;
inline constexpr std::uint32_t noise_factors[] = {0x7feb352dU, 0x846ca68bU};

/// Uniform in [0, 1), a pure function of (key, index): Chris Wellons' lowbias32 integer hash, which
/// needs only 32-bit products and so runs in vector registers.
[[nodiscard]] inline float uniform_at(std::uint32_t key, std::uint32_t index) {
  std::uint32_t x = index * noise_index_factor + key;
  x = (x ^ (x >> 16U)) * noise_factors[0];
  x = (x ^ (x >> 15U)) * noise_factors[1];
  return static_cast<float>((x ^ (x >> 16U)) >> 8U) * 0x1.0p-24F;
}

/// Compares bits: they order like magnitudes and keep NaN, which a floating-point maximum would
/// lose.
template <class Scalar>
[[nodiscard]] float largest_magnitude(std::span<const Scalar> values) {
  std::uint32_t largest = 0;
  for (const Scalar value : values) {
    const auto magnitude = std::abs(static_cast<float>(value));
    largest = std::max(largest, std::bit_cast<std::uint32_t>(magnitude));
  }
  return std::bit_cast<float>(largest);
}

[[nodiscard]] inline QuantizeRounding rounding_of(float scale, const QuantizeForm& form,
                                                  std::uint32_t noise_key, std::size_t first) {
  const float top = level_max(form.bits);
  return {.scale = scale,
          .per_value = scale > 0 ? top / (2 * scale) : 0.0F,
          .top = top,
          .noise_key = noise_key,
          .first = static_cast<std::uint32_t>(first)};
}

/// The level above with the probability of the remainder. i: of the value in its block.
[[nodiscard]] inline std::uint8_t level_of(float value, const QuantizeRounding& rounding,
                                           std::size_t i) {
  const float position = (value + rounding.scale) * rounding.per_value;
  const auto index = rounding.first + static_cast<std::uint32_t>(i);
  const float noisy = position + uniform_at(rounding.noise_key, index);
  // max before min turns NaN into level 0; the scale is NaN then, so no peer takes the block.
  const float level = std::min(rounding.top, std::max(0.0F, noisy));
  return static_cast<std::uint8_t>(static_cast<std::int32_t>(level));
}

[[nodiscard]] inline QuantizeGrid grid_of(float scale, const QuantizeForm& form) {
  return {.step = 2 * scale / level_max(form.bits), .scale = scale};
}

/// Level `index` of a chunk.
[[nodiscard]] inline std::uint8_t level_at(const std::uint8_t* levels, std::uint32_t bits,
                                           std::size_t index) {
  std::uint32_t level = 0;
  for (std::uint32_t bit = 0; bit < bits; ++bit) {
    const std::size_t at = index * bits + bit;
    level |= ((static_cast<std::uint32_t>(levels[at / 8]) >> (at % 8)) & 1U) << bit;
  }
  return static_cast<std::uint8_t>(level);
}

/// Writes it where all bits are still 0.
inline void set_level(std::uint8_t* levels, std::uint32_t bits, std::size_t index,
                      std::uint8_t level) {
  const std::size_t at = index * bits;
  const std::uint32_t shifted = std::uint32_t{level} << (at % 8);
  levels[at / 8] = static_cast<std::uint8_t>(levels[at / 8] | shifted);
  if (at % 8 + bits > 8) levels[at / 8 + 1] = static_cast<std::uint8_t>(shifted >> 8U);
}

template <class Scalar>
void encode(std::span<const Scalar> values, const QuantizeForm& form, std::uint32_t noise_key,
            const QuantizeBytes<std::uint8_t>& out) {
  std::fill_n(out.levels, quantize_level_bytes(form, values.size()), std::uint8_t{0});
  for (std::size_t begin = 0; begin < values.size(); begin += form.block) {
    const std::size_t end = std::min(begin + form.block, values.size());
    const float scale = largest_magnitude(values.subspan(begin, end - begin));
    store(out.scales + begin / form.block * sizeof(float), scale);
    const QuantizeRounding rounding = rounding_of(scale, form, noise_key, begin);
    for (std::size_t i = begin; i < end; ++i) {
      const auto level = level_of(static_cast<float>(values[i]), rounding, i - begin);
      set_level(out.levels, form.bits, i, level);
    }
  }
}

template <class Scalar>
void decode(const QuantizeBytes<const std::uint8_t>& in, const QuantizeForm& form,
            std::span<Scalar> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto scale = fetch<float>(in.scales + i / form.block * sizeof(float));
    const auto step = static_cast<Scalar>(grid_of(scale, form).step);
    const auto level = static_cast<Scalar>(level_at(in.levels, form.bits, i));
    out[i] = level * step - static_cast<Scalar>(scale);
  }
}

}  // namespace starling::optim::scalar
