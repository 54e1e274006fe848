#pragma once
// A codec turns a block of a lane into bytes. It is a pure function of (values, key): residuals and
// hats belong to optim/memory. A new codec is one file of this folder and a row of catalog.cpp.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "optim/layout.h"
#include "optim/part.h"
#include "starling/ids.h"

namespace starling::optim {

/// `shared` is known to both ends and seeds indices; `own` only to the sender and seeds rounding.
struct CodecKey {
  std::uint64_t shared = 0;
  std::uint64_t own = 0;
};

/// What other parts may rely on; tests/unit/optim/codec_test.cpp holds every codec to it.
struct CodecTraits {
  /// The mean of what is decoded, over keys, is what was encoded.
  bool is_unbiased = false;
  /// Nothing is lost.
  bool is_exact = false;
  /// |decode(encode(x)) - x|^2 is below |x|^2 for normal x, in the mean over keys: hats and
  /// residuals need it.
  bool is_contraction = true;
  /// What is lost stays below the block's largest magnitude: residuals that are sent again stay
  /// bounded, value by value.
  bool is_bounded = false;
  /// Entries are drawn from CodecKey::shared; ends with another key keep other entries.
  bool draws_from_shared_key = false;
  /// Blocks keep the shape of the model's matrices (Layout::shaped).
  bool is_shaped = false;
  /// Share of the block's dimensions that a payload can move, in (0, 1]; 1: all of them.
  double kept_share = 1.0;
};

template <class Scalar>
class Codec {
 public:
  struct Site {};

  Codec() = default;
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;
  Codec(Codec&&) = delete;
  Codec& operator=(Codec&&) = delete;
  virtual ~Codec() = default;

  /// The exact length of an encoded block of 1 to block_values_max values.
  [[nodiscard]] virtual std::size_t encoded_bytes(const Block& block) const = 0;

  /// values: block.count(). out: encoded_bytes(block), overwritten.
  virtual void encode(const Block& block, std::span<const Scalar> values, CodecKey key,
                      std::span<std::uint8_t> out) const = 0;

  /// bytes: encoded_bytes(block), from anybody. True if they are something that encode() writes for
  /// finite values.
  [[nodiscard]] virtual bool accepts(const Block& block, ByteSpan bytes, CodecKey key) const = 0;

  /// bytes: accepted ones. out: block.count(), overwritten with finite values.
  virtual void decode(const Block& block, ByteSpan bytes, CodecKey key,
                      std::span<Scalar> out) const = 0;
};

struct CodecEntry : PartEntry<Codec, CodecTraits> {};

[[nodiscard]] const Catalog<CodecEntry>& codecs();

}  // namespace starling::optim
