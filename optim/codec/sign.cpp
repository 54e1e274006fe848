#include <algorithm>
#include <cmath>

#include "optim/byte_io.h"
#include "optim/codec/codec.h"

namespace starling::optim {
namespace {

// Layout of a block: the fp32 mean magnitude, then one bit per value, 1 for negative.
template <class Scalar>
class Sign final : public Codec<Scalar> {
 public:
  Sign(const Settings& /*settings*/, const typename Codec<Scalar>::Site& /*site*/) {}

  [[nodiscard]] std::size_t encoded_bytes(const Block& block) const override {
    return sizeof(float) + (block.count() + 7) / 8;
  }

  void encode(const Block& /*block*/, std::span<const Scalar> values, CodecKey /*key*/,
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

  [[nodiscard]] bool accepts(const Block& /*block*/, ByteSpan bytes,
                             CodecKey /*key*/) const override {
    const auto mean = fetch<float>(bytes.data());
    return std::isfinite(mean) && mean >= 0;
  }

  void decode(const Block& /*block*/, ByteSpan bytes, CodecKey /*key*/,
              std::span<Scalar> out) const override {
    const auto size = static_cast<Scalar>(fetch<float>(bytes.data()));
    for (std::size_t i = 0; i < out.size(); ++i) {
      const bool negative = ((bytes[sizeof(float) + i / 8] >> (i % 8)) & 1U) != 0;
      out[i] = negative ? -size : size;
    }
  }
};

CodecTraits traits(const Settings& /*settings*/) {
  return {};
}

}  // namespace

extern constinit const CodecEntry sign_codec =
    make_entry<CodecEntry, Sign>({.id = 4,
                                  .name = "sign",
                                  .meaning = "one bit a value, and the block's mean magnitude",
                                  .source = "signSGD, Bernstein et al. 2018, scaled"},
                                 traits);

}  // namespace starling::optim
