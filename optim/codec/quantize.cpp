#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#if defined(__BMI2__)
#include <immintrin.h>
#endif

#include "optim/byte_io.h"
#include "optim/codec/codec.h"

namespace starling::optim {
namespace {

constexpr std::size_t group_values = 8;  // eight values of b bits fill b bytes exactly
using Levels = std::array<std::uint8_t, block_values_max>;

// Uniform in [0, 1), a pure function of (key, index): Chris Wellons' lowbias32 integer hash, which
// needs only 32-bit products and so runs in vector registers.
[[nodiscard]] inline float uniform_at(std::uint32_t key, std::uint32_t index) {
  std::uint32_t x = index * 0x9e3779b9U + key;
  x = (x ^ (x >> 16U)) * 0x7feb352dU;
  x = (x ^ (x >> 15U)) * 0x846ca68bU;
  return static_cast<float>((x ^ (x >> 16U)) >> 8U) * 0x1.0p-24F;
}

// Compares bits: they order like magnitudes and keep NaN, which a floating-point maximum would
// lose.
template <class Scalar>
[[nodiscard]] float largest_magnitude(std::span<const Scalar> values) {
  std::uint32_t largest = 0;
  for (const Scalar value : values) {
    const auto magnitude = std::abs(static_cast<float>(value));
    largest = std::max(largest, std::bit_cast<std::uint32_t>(magnitude));
  }
  return std::bit_cast<float>(largest);
}

// Moves the low `bits` of each of eight bytes together, and apart again.
#if defined(__BMI2__)
[[nodiscard]] inline std::uint64_t gather_bits(std::uint64_t levels, std::uint32_t bits) {
  return _pext_u64(levels, ((1U << bits) - 1U) * 0x0101010101010101U);
}
[[nodiscard]] inline std::uint64_t scatter_bits(std::uint64_t word, std::uint32_t bits) {
  return _pdep_u64(word, ((1U << bits) - 1U) * 0x0101010101010101U);
}
#else
[[nodiscard]] inline std::uint64_t gather_bits(std::uint64_t levels, std::uint32_t bits) {
  std::uint64_t word = 0;
  for (std::uint32_t j = 0; j < group_values; ++j) {
    word |= (levels >> (8U * j) & ((1U << bits) - 1U)) << (j * bits);
  }
  return word;
}
[[nodiscard]] inline std::uint64_t scatter_bits(std::uint64_t word, std::uint32_t bits) {
  std::uint64_t levels = 0;
  for (std::uint32_t j = 0; j < group_values; ++j) {
    levels |= (word >> (j * bits) & ((1U << bits) - 1U)) << (8U * j);
  }
  return levels;
}
#endif

class BitPacking {
 public:
  explicit BitPacking(std::uint32_t bits) : bits_(bits) {}

  [[nodiscard]] std::size_t bytes(std::size_t count) const {
    return (count + group_values - 1) / group_values * bits_;
  }

  // levels: readable up to the next multiple of eight. The host is little endian (byte_io.h).
  void pack(const std::uint8_t* levels, std::size_t count, std::uint8_t* out) const {
    for (std::size_t i = 0; i < count; i += group_values, out += bits_) {
      const std::uint64_t word = gather_bits(fetch<std::uint64_t>(levels + i), bits_);
      std::memcpy(out, &word, bits_);
    }
  }

  void unpack(const std::uint8_t* in, std::size_t count, std::uint8_t* levels) const {
    for (std::size_t i = 0; i < count; i += group_values, in += bits_) {
      std::uint64_t word = 0;
      std::memcpy(&word, in, bits_);
      store(levels + i, scatter_bits(word, bits_));
    }
  }

 private:
  std::uint32_t bits_;
};

[[nodiscard]] float steps_of(std::uint32_t bits) {
  return bits == 1 ? 1.0F : static_cast<float>((1U << bits) - 2U);
}

// decode() makes a grid step of twice the scale.
constexpr float scale_max = std::numeric_limits<float>::max() / 2;

// Layout of a block: an fp32 scale for every so many values, then the packed levels. Level q of
// 0..L stands for s (2 q / L - 1), L = 2^bits - 2: an even number of steps, so that zero is a level
// and what does not move costs no noise. One bit has the levels -s and s only.
template <class Scalar>
class Quantize final : public Codec<Scalar> {
 public:
  Quantize(const Settings& settings, const typename Codec<Scalar>::Site& /*site*/)
      : group_(settings.count("block")),
        level_max_(steps_of(settings.count("bits"))),
        packing_(settings.count("bits")) {}

  [[nodiscard]] std::size_t encoded_bytes(const Block& block) const override {
    return scales_bytes(block.count()) + packing_.bytes(block.count());
  }

  void encode(const Block& /*block*/, std::span<const Scalar> values, CodecKey key,
              std::span<std::uint8_t> out) const override {
    Levels levels{};
    const auto noise_key = static_cast<std::uint32_t>(key.own ^ (key.own >> 32U));
    std::uint8_t* scale_out = out.data();
    for (std::size_t begin = 0; begin < values.size(); begin += group_) {
      const auto group = values.subspan(begin, std::min(group_, values.size() - begin));
      const float scale = largest_magnitude(group);
      store(scale_out, scale);
      scale_out += sizeof(float);
      round_group(group, scale, noise_key + static_cast<std::uint32_t>(begin) * 0x9e3779b9U,
                  levels.data() + begin);
    }
    packing_.pack(levels.data(), values.size(), scale_out);
  }

  // Any levels will do; only a scale can be wrong.
  [[nodiscard]] bool accepts(const Block& block, ByteSpan bytes, CodecKey /*key*/) const override {
    for (std::size_t at = 0; at < scales_bytes(block.count()); at += sizeof(float)) {
      const auto scale = fetch<float>(bytes.data() + at);
      if (!(scale >= 0 && scale <= scale_max)) return false;
    }
    return true;
  }

  void decode(const Block& /*block*/, ByteSpan bytes, CodecKey /*key*/,
              std::span<Scalar> out) const override {
    Levels levels;
    packing_.unpack(bytes.data() + scales_bytes(out.size()), out.size(), levels.data());
    const std::uint8_t* scale_in = bytes.data();
    for (std::size_t begin = 0; begin < out.size(); begin += group_) {
      const auto scale = fetch<float>(scale_in);
      scale_in += sizeof(float);
      const auto step = static_cast<Scalar>(2 * scale / level_max_);
      const std::size_t end = std::min(begin + group_, out.size());
      for (std::size_t i = begin; i < end; ++i) {
        out[i] = static_cast<Scalar>(levels[i]) * step - static_cast<Scalar>(scale);
      }
    }
  }

 private:
  [[nodiscard]] std::size_t scales_bytes(std::size_t count) const {
    return (count + group_ - 1) / group_ * sizeof(float);
  }

  // Floor of position + uniform noise: the level above with the probability of the remainder.
  void round_group(std::span<const Scalar> values, float scale, std::uint32_t key,
                   std::uint8_t* levels) const {
    const float per_value = scale > 0 ? level_max_ / (2 * scale) : 0.0F;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float position = (static_cast<float>(values[i]) + scale) * per_value;
      const float noisy = position + uniform_at(key, static_cast<std::uint32_t>(i));
      // max before min turns NaN into level 0; the scale is NaN then, so no peer takes the block.
      const float level = std::min(level_max_, std::max(0.0F, noisy));
      levels[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(level));
    }
  }

  std::size_t group_;  // values that share a scale
  float level_max_;
  BitPacking packing_;
};

constexpr Field fields[] = {
    count_field("bits", {1, 8}, 8, "bits of a value"),
    count_field("block", {8, block_values_max}, 256, "values that share a scale")};

// A grid step, 2 s / (2^bits - 2), is below s, the largest magnitude, from three bits on. With
// fewer more is lost of normal values than was there.
CodecTraits traits(const Settings& settings) {
  const bool is_fine = settings.count("bits") >= 3;
  return {.is_unbiased = true, .is_contraction = is_fine, .is_bounded = is_fine};
}

}  // namespace

extern constinit const CodecEntry quantize_codec = make_entry<CodecEntry, Quantize>(
    {.id = 1,
     .name = "quantize",
     .meaning = "a few bits a value on a grid over [-s, s], s the largest magnitude of a group, "
                "with unbiased stochastic rounding",
     .source = "QSGD, Alistarh et al. 2017; a scale per group in fp32",
     .fields = fields},
    traits);

}  // namespace starling::optim
