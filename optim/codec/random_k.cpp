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
  explicit RandomK(double density) : density_(density) {}

  [[nodiscard]] std::size_t encoded_bytes(std::size_t count) const override {
    return kept_entries(density_, count) * sizeof(Scalar);
  }

  void encode(std::span<const Scalar> values, CodecKey key,
              std::span<std::uint8_t> out) const override {
    const std::size_t kept = kept_entries(density_, values.size());
    Positions positions(key.shared, values.size(), kept);
    for (std::size_t i = 0; i < kept; ++i) {
      store(out.data() + i * sizeof(Scalar), values[positions.next()]);
    }
  }

  [[nodiscard]] bool decode(ByteSpan bytes, CodecKey key, std::span<Scalar> out) const override {
    std::ranges::fill(out, Scalar{0});
    const std::size_t kept = kept_entries(density_, out.size());
    Positions positions(key.shared, out.size(), kept);
    for (std::size_t i = 0; i < kept; ++i) {
      const auto value = fetch<Scalar>(bytes.data() + i * sizeof(Scalar));
      if (!std::isfinite(value)) return false;
      out[positions.next()] = value;
    }
    return true;
  }

 private:
  double density_;
};

}  // namespace

template <class Scalar>
std::unique_ptr<Codec<Scalar>> random_k_codec(const CodecRule& rule) {
  return std::make_unique<RandomK<Scalar>>(rule.density);
}

template std::unique_ptr<Codec<float>> random_k_codec(const CodecRule&);
template std::unique_ptr<Codec<double>> random_k_codec(const CodecRule&);

}  // namespace starling::optim
