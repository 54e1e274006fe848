#pragma once
// A codec turns a chunk of a lane into bytes. It is a pure function of (values, key): residuals and
// hats belong to optim/memory. Working in chunks keeps 100 M parameters free of copies of the whole
// vector and lets an index fit 16 bits.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "optim/recipe.h"
#include "starling/ids.h"

namespace starling::optim {

/// Values in every chunk but the last.
inline constexpr std::size_t chunk_values = 65536;

/// `shared` is known to both ends and seeds indices; `own` only to the sender and seeds rounding.
struct CodecKey {
  std::uint64_t shared = 0;
  std::uint64_t own = 0;
};

template <class Scalar>
class Codec {
 public:
  Codec() = default;
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;
  Codec(Codec&&) = delete;
  Codec& operator=(Codec&&) = delete;
  virtual ~Codec() = default;

  /// The exact length of `count` encoded values; count in [1, chunk_values].
  [[nodiscard]] virtual std::size_t encoded_bytes(std::size_t count) const = 0;

  /// out: encoded_bytes(values.size()), overwritten.
  virtual void encode(std::span<const Scalar> values, CodecKey key,
                      std::span<std::uint8_t> out) const = 0;

  /// bytes: encoded_bytes(out.size()). out: overwritten. False if the bytes are not something that
  /// encode() writes for finite values.
  [[nodiscard]] virtual bool decode(ByteSpan bytes, CodecKey key, std::span<Scalar> out) const = 0;

  /// What decode() would return for `count` values, where that can be told for less.
  [[nodiscard]] virtual bool is_valid(ByteSpan bytes, CodecKey key, std::size_t count) const {
    std::vector<Scalar> buffer(count);
    return decode(bytes, key, buffer);
  }
};

/// Scalar: float in the product, double where a numeric check needs it.
template <class Scalar>
[[nodiscard]] std::unique_ptr<Codec<Scalar>> make_codec(const CodecRule& rule);

/// Every value as it is.
template <class Scalar>
[[nodiscard]] std::unique_ptr<Codec<Scalar>> identity_codec();

/// rule.bits per value on a grid over [-s, s], s the largest magnitude of rule.block values, with
/// unbiased stochastic rounding. Source: QSGD (Alistarh et al. 2017), per-block scale in fp32.
template <class Scalar>
[[nodiscard]] std::unique_ptr<Codec<Scalar>> quantize_codec(const CodecRule& rule);

/// The rule.density largest magnitudes of each chunk, as they are. Source: LEARNING.md section 2.3.
template <class Scalar>
[[nodiscard]] std::unique_ptr<Codec<Scalar>> top_k_codec(const CodecRule& rule);

/// One seeded position in each of k equal strata, as it is; no index travels. Source: SPARTA.
template <class Scalar>
[[nodiscard]] std::unique_ptr<Codec<Scalar>> random_k_codec(const CodecRule& rule);

/// One bit per value and the mean magnitude of the chunk. Source: Bernstein et al. 2018, scaled.
template <class Scalar>
[[nodiscard]] std::unique_ptr<Codec<Scalar>> sign_codec();

}  // namespace starling::optim
