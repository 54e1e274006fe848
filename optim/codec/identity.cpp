#include <cmath>
#include <cstring>

#include "optim/byte_io.h"
#include "optim/codec/codec.h"

namespace starling::optim {
namespace {

template <class Scalar>
class Identity final : public Codec<Scalar> {
 public:
  Identity(const Settings& /*settings*/, const typename Codec<Scalar>::Site& /*site*/) {}

  [[nodiscard]] std::size_t encoded_bytes(const Block& block) const override {
    return block.count() * sizeof(Scalar);
  }

  void encode(const Block& /*block*/, std::span<const Scalar> values, CodecKey /*key*/,
              std::span<std::uint8_t> out) const override {
    std::memcpy(out.data(), values.data(), out.size());
  }

  [[nodiscard]] bool accepts(const Block& /*block*/, ByteSpan bytes,
                             CodecKey /*key*/) const override {
    bool finite = true;
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(Scalar)) {
      finite &= std::isfinite(fetch<Scalar>(bytes.data() + at));
    }
    return finite;
  }

  void decode(const Block& /*block*/, ByteSpan bytes, CodecKey /*key*/,
              std::span<Scalar> out) const override {
    std::memcpy(out.data(), bytes.data(), bytes.size());
  }
};

CodecTraits traits(const Settings& /*settings*/) {
  return {.is_unbiased = true, .is_exact = true, .is_bounded = true};
}

}  // namespace

extern constinit const CodecEntry identity_codec = make_entry<CodecEntry, Identity>(
    {.id = 0, .name = "identity", .meaning = "every value as it is, 4 bytes"}, traits);

}  // namespace starling::optim
