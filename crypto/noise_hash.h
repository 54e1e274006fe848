#pragma once
// The two hash functions of the Noise test vectors, with HMAC (RFC 2104) and Noise's HKDF on top.

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "crypto/secret.h"
#include "starling/ids.h"

namespace starling::crypto {

enum class HashFunction : std::uint8_t { sha256, blake2b };  // blake2b: 64 bytes, not BLAKE2b-256

/// 32 or 64 bytes, wiped on destruction because chaining keys are hash values too.
class HashValue {
 public:
  static constexpr std::size_t size_max = 64;

  explicit HashValue(std::size_t size) : size_(size) {}

  [[nodiscard]] ByteSpan bytes() const { return storage_.bytes().first(size_); }
  [[nodiscard]] std::span<std::uint8_t> mutable_bytes() {
    return storage_.mutable_bytes().first(size_);
  }
  /// The first 32 bytes: a cipher key (specification, 5.2: longer values are cut).
  [[nodiscard]] Secret<32> as_key() const;

 private:
  Secret<size_max> storage_;
  std::size_t size_;
};

[[nodiscard]] std::size_t hash_bytes(HashFunction function);

/// The hash of the concatenation of `parts`.
[[nodiscard]] HashValue hash_of(HashFunction function, std::initializer_list<ByteSpan> parts);

/// key: at most one block of the function (64 or 128 bytes), which every key in Noise is.
[[nodiscard]] HashValue hmac_of(HashFunction function, ByteSpan key,
                                std::initializer_list<ByteSpan> parts);

/// Noise's HKDF (specification, 4.3); callers that need two outputs leave the third.
[[nodiscard]] std::array<HashValue, 3> hkdf(HashFunction function, const HashValue& chaining_key,
                                            ByteSpan input);

}  // namespace starling::crypto
