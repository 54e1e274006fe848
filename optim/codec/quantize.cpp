#include <cmath>
#include <type_traits>

#include "optim/byte_io.h"
#include "optim/codec/codec.h"
#include "optim/codec/kernels/quantize_kernels.h"
#include "optim/codec/kernels/quantize_scalar.h"

namespace starling::optim {
namespace {

// The layout of a block is that of quantize_scalar.h.
template <class Scalar>
class Quantize final : public Codec<Scalar> {
 public:
  Quantize(const Settings& settings, const typename Codec<Scalar>::Site& /*site*/)
      : form_{.block = settings.count("block"), .bits = settings.count("bits")} {}

  [[nodiscard]] std::size_t encoded_bytes(const Block& block) const override {
    return quantize_scale_bytes(form_, block.count()) + quantize_level_bytes(form_, block.count());
  }

  void encode(const Block& /*block*/, std::span<const Scalar> values, CodecKey key,
              std::span<std::uint8_t> out) const override {
    const auto noise_key = static_cast<std::uint32_t>(key.own ^ (key.own >> 32U));
    const QuantizeBytes<std::uint8_t> parts = parts_of(out, values.size());
    if constexpr (std::is_same_v<Scalar, float>) {
      quantize_encode(best_quantize_kernels(), values, form_, noise_key, parts);
    } else {
      scalar::encode(values, form_, noise_key, parts);
    }
  }

  // Any levels will do; only a scale can be wrong. Twice a scale is the width of its grid.
  [[nodiscard]] bool accepts(const Block& block, ByteSpan bytes, CodecKey /*key*/) const override {
    const std::size_t scales = quantize_scale_bytes(form_, block.count());
    for (std::size_t at = 0; at < scales; at += sizeof(float)) {
      const auto scale = fetch<float>(bytes.data() + at);
      if (!std::isfinite(2 * scale) || scale < 0) return false;
    }
    return true;
  }

  void decode(const Block& /*block*/, ByteSpan bytes, CodecKey /*key*/,
              std::span<Scalar> out) const override {
    const QuantizeBytes<const std::uint8_t> parts = parts_of(bytes, out.size());
    if constexpr (std::is_same_v<Scalar, float>) {
      quantize_decode(best_quantize_kernels(), parts, form_, out);
    } else {
      scalar::decode(parts, form_, out);
    }
  }

 private:
  template <class Byte>
  [[nodiscard]] QuantizeBytes<Byte> parts_of(std::span<Byte> bytes, std::size_t count) const {
    return {bytes.data(), bytes.data() + quantize_scale_bytes(form_, count)};
  }

  QuantizeForm form_;
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
