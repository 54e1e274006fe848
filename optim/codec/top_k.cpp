#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>
#include <vector>

#include "optim/byte_io.h"
#include "optim/codec/codec.h"
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
    const Magnitude threshold = kth_magnitude(values, kept);
    const auto above = std::ranges::count_if(
        values, [threshold](Scalar value) { return magnitude(value) > threshold; });
    std::size_t ties_left = kept - static_cast<std::size_t>(above);
    std::uint8_t* index_out = out.data();
    std::uint8_t* value_out = out.data() + kept * sizeof(std::uint16_t);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Magnitude size = magnitude(values[i]);
      if (size < threshold || (size == threshold && ties_left == 0)) continue;
      if (size == threshold) --ties_left;
      store(index_out, static_cast<std::uint16_t>(i));
      store(value_out, values[i]);
      index_out += sizeof(std::uint16_t);
      value_out += sizeof(Scalar);
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
  using Magnitude =
      std::conditional_t<sizeof(Scalar) == sizeof(std::uint32_t), std::uint32_t, std::uint64_t>;

  // The bits of |value| order like |value| and, unlike it, order NaN too (above infinity).
  [[nodiscard]] static Magnitude magnitude(Scalar value) {
    return std::bit_cast<Magnitude>(std::abs(value));
  }

  [[nodiscard]] static Magnitude kth_magnitude(std::span<const Scalar> values, std::size_t kept) {
    std::vector<Magnitude> sizes(values.size());
    std::ranges::transform(values, sizes.begin(), magnitude);
    const auto kth = sizes.begin() + static_cast<std::ptrdiff_t>(kept - 1);
    std::ranges::nth_element(sizes, kth, std::ranges::greater{});
    return *kth;
  }

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
