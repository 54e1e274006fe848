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

// Layout of a block: k ascending 16-bit indices, then their k values.
template <class Scalar>
class TopK final : public Codec<Scalar> {
 public:
  TopK(const Settings& settings, const typename Codec<Scalar>::Site& /*site*/)
      : density_(settings.real("density")) {}

  [[nodiscard]] std::size_t encoded_bytes(const Block& block) const override {
    return kept_entries(density_, block.count()) * (sizeof(std::uint16_t) + sizeof(Scalar));
  }

  void encode(const Block& /*block*/, std::span<const Scalar> values, CodecKey /*key*/,
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

  [[nodiscard]] bool accepts(const Block& block, ByteSpan bytes, CodecKey /*key*/) const override {
    const std::size_t kept = kept_entries(density_, block.count());
    std::size_t next_allowed = 0;
    for (std::size_t i = 0; i < kept; ++i) {
      const std::size_t index = index_at(bytes, i);
      if (index < next_allowed || index >= block.count()) return false;
      if (!std::isfinite(value_at(bytes, kept, i))) return false;
      next_allowed = index + 1;
    }
    return true;
  }

  void decode(const Block& block, ByteSpan bytes, CodecKey /*key*/,
              std::span<Scalar> out) const override {
    std::ranges::fill(out, Scalar{0});
    const std::size_t kept = kept_entries(density_, block.count());
    for (std::size_t i = 0; i < kept; ++i) out[index_at(bytes, i)] = value_at(bytes, kept, i);
  }

 private:
  [[nodiscard]] static std::size_t index_at(ByteSpan bytes, std::size_t i) {
    return fetch<std::uint16_t>(bytes.data() + i * sizeof(std::uint16_t));
  }
  [[nodiscard]] static Scalar value_at(ByteSpan bytes, std::size_t kept, std::size_t i) {
    return fetch<Scalar>(bytes.data() + kept * sizeof(std::uint16_t) + i * sizeof(Scalar));
  }

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

constexpr Field fields[] = {density_field};

CodecTraits traits(const Settings& settings) {
  return {.kept_share = settings.real("density")};
}

}  // namespace

extern constinit const CodecEntry top_k_codec = make_entry<CodecEntry, TopK>(
    {.id = 2,
     .name = "top_k",
     .meaning = "the largest magnitudes of each block, as they are, with 16-bit indices",
     .source = "Stich et al. 2018; exact selection in each block",
     .fields = fields},
    traits);

}  // namespace starling::optim
