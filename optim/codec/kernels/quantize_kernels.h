#pragma once
// The quantizer of one chunk: loops over values once per instruction set, chosen at run time, and
// what they have in common. All give the bytes and values of quantize_scalar.h, which defines them.

#include <cstddef>
#include <cstdint>
#include <span>

namespace starling::optim {

/// What a chunk's bytes depend on beside its values.
struct QuantizeForm {
  std::size_t block = 256;  ///< Values that share one scale; at least 1.
  std::uint32_t bits = 8;   ///< Per value; 1 to 8.
};

/// Eight values of b bits fill b bytes exactly.
inline constexpr std::size_t quantize_group_values = 8;

[[nodiscard]] constexpr std::size_t quantize_scale_bytes(const QuantizeForm& form,
                                                         std::size_t count) {
  return (count + form.block - 1) / form.block * sizeof(float);
}
[[nodiscard]] constexpr std::size_t quantize_level_bytes(const QuantizeForm& form,
                                                         std::size_t count) {
  return (count + quantize_group_values - 1) / quantize_group_values * form.bits;
}

/// A chunk's bytes, or the room for them: quantize_scale_bytes and quantize_level_bytes.
template <class Byte>
struct QuantizeBytes {
  Byte* scales;
  Byte* levels;
};

/// Decoded values d enter as target += rate * (d - own), each operation rounded by itself.
struct QuantizeMix {
  std::span<const float> own;  ///< As long as `target`.
  float rate = 0;
  std::span<float> target;
};

/// How one block's values become levels: the floor of (value + scale) * per_value + noise, at most
/// `top`; noise of value i is drawn from noise_key and first + i.
struct QuantizeRounding {
  float scale = 0;
  float per_value = 0;
  float top = 0;
  std::uint32_t noise_key = 0;
  std::uint32_t first = 0;  ///< The block's first value in its chunk.
};

/// How levels become values again: level * step - scale.
struct QuantizeGrid {
  float step = 0;
  float scale = 0;
};

/// One instruction set's loops. Any length, no alignment.
struct QuantizeKernels {
  const char* name;
  /// The largest magnitude; NaN if there is one.
  float (*largest)(std::span<const float> values);
  /// levels: one byte per value, overwritten.
  void (*round)(std::span<const float> values, const QuantizeRounding& rounding,
                std::uint8_t* levels);
  /// out: as long as `levels`, overwritten.
  void (*restore)(std::span<const std::uint8_t> levels, const QuantizeGrid& grid, float* out);
  /// Mixes what restore() would give. mix.own and mix.target: as long as `levels`.
  void (*mix)(std::span<const std::uint8_t> levels, const QuantizeGrid& grid,
              const QuantizeMix& mix);
  /// levels: whole groups. out: levels.size() / 8 * bits bytes, overwritten; bits below 8.
  void (*pack)(std::span<const std::uint8_t> levels, std::uint32_t bits, std::uint8_t* out);
  /// The other way round.
  void (*unpack)(const std::uint8_t* in, std::uint32_t bits, std::span<std::uint8_t> levels);
};

/// The kernels this processor can run, slowest first; never empty.
[[nodiscard]] std::span<const QuantizeKernels> usable_quantize_kernels();
/// The fastest of them.
[[nodiscard]] const QuantizeKernels& best_quantize_kernels();

/// values: at least 1. Both parts of `out` are overwritten.
void quantize_encode(const QuantizeKernels& kernels, std::span<const float> values,
                     const QuantizeForm& form, std::uint32_t noise_key,
                     const QuantizeBytes<std::uint8_t>& out);
void quantize_decode(const QuantizeKernels& kernels, const QuantizeBytes<const std::uint8_t>& in,
                     const QuantizeForm& form, std::span<float> out);
/// quantize_decode and the mixing of what it gives in one pass over memory.
void quantize_mix(const QuantizeKernels& kernels, const QuantizeBytes<const std::uint8_t>& in,
                  const QuantizeForm& form, const QuantizeMix& mix);

}  // namespace starling::optim
