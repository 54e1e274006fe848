#include "optim/codec/kernels/quantize_kernels.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "optim/codec/kernels/quantize_loops.h"
#include "optim/processor.h"

namespace starling::optim {
namespace {

float largest_portable(std::span<const float> values) {
  return scalar::largest_magnitude(values);
}
void round_portable(std::span<const float> values, const QuantizeRounding& rounding,
                    std::uint8_t* levels) {
  round_rest(values, rounding, 0, levels);
}
void restore_portable(std::span<const std::uint8_t> levels, const QuantizeGrid& grid, float* out) {
  restore_rest(levels, grid, 0, out);
}
void mix_portable(std::span<const std::uint8_t> levels, const QuantizeGrid& grid,
                  const QuantizeMix& mix) {
  mix_rest(levels, grid, 0, mix);
}
void pack_portable(std::span<const std::uint8_t> levels, std::uint32_t bits, std::uint8_t* out) {
  pack_rest(levels, bits, 0, out);
}
void unpack_portable(const std::uint8_t* in, std::uint32_t bits, std::span<std::uint8_t> levels) {
  unpack_rest(in, bits, 0, levels);
}

constexpr QuantizeKernels portable_quantize_kernels{
    "portable",   largest_portable, round_portable, restore_portable,
    mix_portable, pack_portable,    unpack_portable};

// Constructed at the first use: the tables of other files may be initialised later than this one.
std::span<const QuantizeKernels> all_kernels() {
#if defined(__x86_64__)
  static const std::array kernels{portable_quantize_kernels, avx2_quantize_kernels,
                                  avx512_quantize_kernels};
#elif defined(__aarch64__)
  static const std::array kernels{portable_quantize_kernels, neon_quantize_kernels};
#else
  static const std::array kernels{portable_quantize_kernels};
#endif
  return kernels;
}

std::size_t usable_count() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("fma") == 0 ? 1 : usable_x86_kernels();
#else
  return all_kernels().size();
#endif
}

/// Values whose levels stay in the first-level cache between two passes; a multiple of eight.
constexpr std::size_t strip_values = 4096;
using LevelStrip = std::array<std::uint8_t, strip_values>;

/// As many levels as fill whole groups.
[[nodiscard]] constexpr std::size_t whole_groups(std::size_t count) {
  return (count + quantize_group_values - 1) / quantize_group_values * quantize_group_values;
}

/// Clears what fills the last group, then packs `count` levels.
void pack(const QuantizeKernels& kernels, LevelStrip& levels, std::size_t count, std::uint32_t bits,
          std::uint8_t* out) {
  const std::size_t whole = whole_groups(count);
  std::fill(levels.data() + count, levels.data() + whole, std::uint8_t{0});
  if (bits == 8) {
    std::memcpy(out, levels.data(), whole);
  } else {
    kernels.pack(std::span(levels).first(whole), bits, out);
  }
}

/// Calls take(at, levels, grid) for pieces of `count` values that lie in one block each.
template <class Take>
void for_each_piece(const QuantizeKernels& kernels, const QuantizeBytes<const std::uint8_t>& in,
                    const QuantizeForm& form, std::size_t count, const Take& take) {
  LevelStrip strip_levels;
  std::size_t block = 0;  // its first value
  for (std::size_t strip = 0; strip < count; strip += strip_values) {
    const std::size_t strip_end = std::min(count, strip + strip_values);
    const std::uint8_t* packed = in.levels + strip / quantize_group_values * form.bits;
    std::span<const std::uint8_t> levels(packed, strip_end - strip);
    if (form.bits != 8) {
      const std::size_t whole = whole_groups(strip_end - strip);
      kernels.unpack(packed, form.bits, std::span(strip_levels).first(whole));
      levels = std::span(strip_levels).first(strip_end - strip);
    }
    for (std::size_t at = strip; at < strip_end;) {
      const auto scale = fetch<float>(in.scales + block / form.block * sizeof(float));
      const std::size_t end = std::min(strip_end, block + form.block);
      take(at, levels.subspan(at - strip, end - at), scalar::grid_of(scale, form));
      if (end == block + form.block) block = end;
      at = end;
    }
  }
}

}  // namespace

std::span<const QuantizeKernels> usable_quantize_kernels() {
  return all_kernels().first(usable_count());
}

const QuantizeKernels& best_quantize_kernels() {
  static const QuantizeKernels& best = usable_quantize_kernels().back();
  return best;
}

void quantize_encode(const QuantizeKernels& kernels, std::span<const float> values,
                     const QuantizeForm& form, std::uint32_t noise_key,
                     const QuantizeBytes<std::uint8_t>& out) {
  LevelStrip levels;
  std::size_t strip = 0;  // its first value
  for (std::size_t begin = 0; begin < values.size(); begin += form.block) {
    const std::size_t end = std::min(begin + form.block, values.size());
    const float scale = kernels.largest(values.subspan(begin, end - begin));
    store(out.scales + begin / form.block * sizeof(float), scale);
    QuantizeRounding rounding = scalar::rounding_of(scale, form, noise_key, begin);
    for (std::size_t at = begin; at < end;) {
      const std::size_t stop = std::min(end, strip + strip_values);
      rounding.first = static_cast<std::uint32_t>(at);
      kernels.round(values.subspan(at, stop - at), rounding, levels.data() + (at - strip));
      at = stop;
      if (stop != values.size() && stop != strip + strip_values) continue;
      pack(kernels, levels, stop - strip, form.bits,
           out.levels + strip / quantize_group_values * form.bits);
      strip = stop;
    }
  }
}

void quantize_decode(const QuantizeKernels& kernels, const QuantizeBytes<const std::uint8_t>& in,
                     const QuantizeForm& form, std::span<float> out) {
  for_each_piece(kernels, in, form, out.size(),
                 [&](std::size_t at, std::span<const std::uint8_t> levels, QuantizeGrid grid) {
                   kernels.restore(levels, grid, out.data() + at);
                 });
}

void quantize_mix(const QuantizeKernels& kernels, const QuantizeBytes<const std::uint8_t>& in,
                  const QuantizeForm& form, const QuantizeMix& mix) {
  for_each_piece(kernels, in, form, mix.target.size(),
                 [&](std::size_t at, std::span<const std::uint8_t> levels, QuantizeGrid grid) {
                   const QuantizeMix piece{.own = mix.own.subspan(at, levels.size()),
                                           .rate = mix.rate,
                                           .target = mix.target.subspan(at, levels.size())};
                   kernels.mix(levels, grid, piece);
                 });
}

}  // namespace starling::optim
