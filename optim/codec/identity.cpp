#include <algorithm>
#include <cmath>
#include <cstring>

#include "optim/byte_io.h"
#include "optim/codec/codec.h"

namespace starling::optim {
namespace {

template <class Scalar>
class Identity final : public Codec<Scalar> {
 public:
  [[nodiscard]] std::size_t encoded_bytes(std::size_t count) const override {
    return count * sizeof(Scalar);
  }

  void encode(std::span<const Scalar> values, CodecKey /*key*/,
              std::span<std::uint8_t> out) const override {
    std::memcpy(out.data(), values.data(), out.size());
  }

  [[nodiscard]] bool decode(ByteSpan bytes, CodecKey /*key*/,
                            std::span<Scalar> out) const override {
    std::memcpy(out.data(), bytes.data(), bytes.size());
    return std::ranges::all_of(out, [](Scalar value) { return std::isfinite(value); });
  }
};

}  // namespace

template <class Scalar>
std::unique_ptr<Codec<Scalar>> identity_codec() {
  return std::make_unique<Identity<Scalar>>();
}

template std::unique_ptr<Codec<float>> identity_codec();
template std::unique_ptr<Codec<double>> identity_codec();

}  // namespace starling::optim
