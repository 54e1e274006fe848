#include <cmath>
#include <type_traits>

#include "optim/byte_io.h"
#include "optim/codec/codec.h"
#include "optim/codec/kernels/quantize_kernels.h"
#include "optim/codec/kernels/quantize_scalar.h"

namespace starling::optim {
namespace {

// The layout of a chunk is that of quantize_scalar.h.
template <class Scalar>
class Quantize final : public Codec<Scalar> {
 public:
  explicit Quantize(const CodecRule& rule) : form_{.block = rule.block, .bits = rule.bits} {}

  [[nodiscard]] std::size_t encoded_bytes(std::size_t count) const override {
    return quantize_scale_bytes(form_, count) + quantize_level_bytes(form_, count);
  }

  void encode(std::span<const Scalar> values, CodecKey key,
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
  [[nodiscard]] bool is_valid(ByteSpan bytes, CodecKey /*key*/, std::size_t count) const override {
    for (std::size_t at = 0; at < quantize_scale_bytes(form_, count); at += sizeof(float)) {
      const auto scale = fetch<float>(bytes.data() + at);
      if (!std::isfinite(2 * scale) || scale < 0) return false;
    }
    return true;
  }

  [[nodiscard]] bool decode(ByteSpan bytes, CodecKey key, std::span<Scalar> out) const override {
    if (!is_valid(bytes, key, out.size())) return false;
    const QuantizeBytes<const std::uint8_t> parts = parts_of(bytes, out.size());
    if constexpr (std::is_same_v<Scalar, float>) {
      quantize_decode(best_quantize_kernels(), parts, form_, out);
    } else {
      scalar::decode(parts, form_, out);
    }
    return true;
  }

 private:
  template <class Byte>
  [[nodiscard]] QuantizeBytes<Byte> parts_of(std::span<Byte> bytes, std::size_t count) const {
    return {bytes.data(), bytes.data() + quantize_scale_bytes(form_, count)};
  }

  QuantizeForm form_;
};

}  // namespace

template <class Scalar>
std::unique_ptr<Codec<Scalar>> quantize_codec(const CodecRule& rule) {
  return std::make_unique<Quantize<Scalar>>(rule);
}

template std::unique_ptr<Codec<float>> quantize_codec(const CodecRule&);
template std::unique_ptr<Codec<double>> quantize_codec(const CodecRule&);

}  // namespace starling::optim
