#include <algorithm>
#include <cmath>

#include "optim/byte_io.h"
#include "optim/codec/codec.h"
#include "optim/codec/sparse_layout.h"
#include "starling/rng.h"

namespace starling::optim {
namespace {

// Positions from the shared key, ascending: one in each of `kept` strata of nearly equal length.
class Positions {
 public:
  Positions(std::uint64_t seed, std::size_t count, std::size_t kept)
      : rng_(seed), count_(count), kept_(kept) {}

  [[nodiscard]] std::size_t next() {
    const std::size_t begin = stratum_ * count_ / kept_;
    const std::size_t end = ++stratum_ * count_ / kept_;
    return begin + static_cast<std::size_t>(rng_.below(end - begin));
  }

 private:
  Rng rng_;
  std::size_t count_;
  std::size_t kept_;
  std::size_t stratum_ = 0;
};

template <class Scalar>
class RandomK final : public Codec<Scalar> {
 public:
  RandomK(const Settings& settings, const typename Codec<Scalar>::Site& /*site*/)
      : density_(settings.real("density")) {}

  [[nodiscard]] std::size_t encoded_bytes(const Block& block) const override {
    return kept_entries(density_, block.count()) * sizeof(Scalar);
  }

  void encode(const Block& /*block*/, std::span<const Scalar> values, CodecKey key,
              std::span<std::uint8_t> out) const override {
    const std::size_t kept = kept_entries(density_, values.size());
    Positions positions(key.shared, values.size(), kept);
    for (std::size_t i = 0; i < kept; ++i) {
      store(out.data() + i * sizeof(Scalar), values[positions.next()]);
    }
  }

  [[nodiscard]] bool accepts(const Block& /*block*/, ByteSpan bytes,
                             CodecKey /*key*/) const override {
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(Scalar)) {
      if (!std::isfinite(fetch<Scalar>(bytes.data() + at))) return false;
    }
    return true;
  }

  void decode(const Block& /*block*/, ByteSpan bytes, CodecKey key,
              std::span<Scalar> out) const override {
    std::ranges::fill(out, Scalar{0});
    const std::size_t kept = kept_entries(density_, out.size());
    Positions positions(key.shared, out.size(), kept);
    for (std::size_t i = 0; i < kept; ++i) {
      out[positions.next()] = fetch<Scalar>(bytes.data() + i * sizeof(Scalar));
    }
  }

 private:
  double density_;
};

constexpr Field fields[] = {density_field};

CodecTraits traits(const Settings& settings) {
  return {.draws_from_shared_key = true, .kept_share = settings.real("density")};
}

}  // namespace

extern constinit const CodecEntry random_k_codec = make_entry<CodecEntry, RandomK>(
    {.id = 3,
     .name = "random_k",
     .meaning = "one drawn position in each of k equal strata, as it is; no index travels",
     .source = "SPARTA (Exo Labs 2025); the strata are ours",
     .fields = fields},
    traits);

}  // namespace starling::optim
