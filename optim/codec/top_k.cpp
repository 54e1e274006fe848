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
