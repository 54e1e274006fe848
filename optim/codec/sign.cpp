#include <algorithm>
#include <cmath>

#include "optim/byte_io.h"
#include "optim/codec/codec.h"

namespace starling::optim {
namespace {

// Layout of a chunk: the fp32 mean magnitude, then one bit per value, 1 for negative.
template <class Scalar>
class Sign final : public Codec<Scalar> {
 public:
  [[nodiscard]] std::size_t encoded_bytes(std::size_t count) const override {
    return sizeof(float) + (count + 7) / 8;
  }

  void encode(std::span<const Scalar> values, CodecKey /*key*/,
              std::span<std::uint8_t> out) const override {
    std::ranges::fill(out, std::uint8_t{0});
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      sum += std::abs(static_cast<double>(values[i]));
      const auto bit = static_cast<std::uint8_t>(values[i] < 0 ? 1U << (i % 8) : 0U);
      out[sizeof(float) + i / 8] |= bit;
    }
    store(out.data(), static_cast<float>(sum / static_cast<double>(values.size())));
  }

  [[nodiscard]] bool decode(ByteSpan bytes, CodecKey /*key*/,
                            std::span<Scalar> out) const override {
    const auto mean = fetch<float>(bytes.data());
    if (!std::isfinite(mean) || mean < 0) return false;
    const auto size = static_cast<Scalar>(mean);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const bool negative = ((bytes[sizeof(float) + i / 8] >> (i % 8)) & 1U) != 0;
      out[i] = negative ? -size : size;
    }
    return true;
  }
};

}  // namespace

template <class Scalar>
std::unique_ptr<Codec<Scalar>> sign_codec() {
  return std::make_unique<Sign<Scalar>>();
}

template std::unique_ptr<Codec<float>> sign_codec();
template std::unique_ptr<Codec<double>> sign_codec();

}  // namespace starling::optim
