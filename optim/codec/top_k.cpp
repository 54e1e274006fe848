#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <vector>

#include "optim/byte_io.h"
#include "optim/codec/codec.h"
#include "optim/codec/kernels/top_k_kernels.h"
#include "optim/codec/kernels/top_k_scalar.h"
#include "optim/codec/sparse_layout.h"

namespace starling::optim {
namespace {

// Layout of a chunk: k ascending 16-bit indices, then their k values.
template <class Scalar>
class TopK final : public Codec<Scalar> {
 public:
  explicit TopK(double density) : density_(density) {}

  [[nodiscard]] std::size_t encoded_bytes(std::size_t count) const override {
    return kept_entries(density_, count) * (sizeof(std::uint16_t) + sizeof(Scalar));
  }

  void encode(std::span<const Scalar> values, CodecKey /*key*/,
              std::span<std::uint8_t> out) const override {
    const std::size_t kept = kept_entries(density_, values.size());
    std::vector<std::uint16_t> indices(kept);
    if constexpr (std::is_same_v<Scalar, float>) {
      select_top_k(best_top_k_kernels(), values, indices);
    } else {
      scalar::select_top_k(values, std::span(indices));
    }
    std::memcpy(out.data(), indices.data(), kept * sizeof(std::uint16_t));
    std::uint8_t* value_out = out.data() + kept * sizeof(std::uint16_t);
    for (std::size_t i = 0; i < kept; ++i) {
      store(value_out + i * sizeof(Scalar), values[indices[i]]);
    }
  }

  [[nodiscard]] bool decode(ByteSpan bytes, CodecKey /*key*/,
                            std::span<Scalar> out) const override {
    std::ranges::fill(out, Scalar{0});
    const std::size_t kept = kept_entries(density_, out.size());
    std::size_t next_allowed = 0;
    for (std::size_t i = 0; i < kept; ++i) {
      const std::size_t index = fetch<std::uint16_t>(bytes.data() + i * sizeof(std::uint16_t));
      const auto value =
          fetch<Scalar>(bytes.data() + kept * sizeof(std::uint16_t) + i * sizeof(Scalar));
      if (index < next_allowed || index >= out.size() || !std::isfinite(value)) return false;
      out[index] = value;
      next_allowed = index + 1;
    }
    return true;
  }

 private:
  double density_;
};

}  // namespace

template <class Scalar>
std::unique_ptr<Codec<Scalar>> top_k_codec(const CodecRule& rule) {
  return std::make_unique<TopK<Scalar>>(rule.density);
}

template std::unique_ptr<Codec<float>> top_k_codec(const CodecRule&);
template std::unique_ptr<Codec<double>> top_k_codec(const CodecRule&);

}  // namespace starling::optim
