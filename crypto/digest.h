#pragma once
// BLAKE2b-256 (RFC 7693): names of content, and keyed derivation.

#include <array>
#include <cstddef>
#include <string_view>

#include "starling/ids.h"

namespace starling::crypto {

/// Hashes pieces; the result is that of their concatenation.
class Hasher {
 public:
  /// context: at most 16 characters; equal bytes under different contexts have unrelated digests
  /// (BLAKE2b's personalisation). key: at most 64 bytes; makes the digest a pseudo-random function.
  explicit Hasher(std::string_view context = {}, ByteSpan key = {});
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  ~Hasher();

  void update(ByteSpan bytes);
  /// Call once.
  [[nodiscard]] Digest finish();

 private:
  alignas(64) std::array<std::uint8_t, 384> state_;  // libsodium's BLAKE2b state, checked in .cpp
};

/// BLAKE2b-256 of `bytes`, without key or context: what other tools compute too.
[[nodiscard]] Digest digest_of(ByteSpan bytes);

/// The digest of `bytes` as a thing of one kind, named by `context` (at most 16 characters).
[[nodiscard]] Digest digest_in(std::string_view context, ByteSpan bytes);

/// PRF(key, context ‖ bytes): derives keys and tags. key: 1 to 64 bytes.
[[nodiscard]] Digest keyed_digest(ByteSpan key, std::string_view context, ByteSpan bytes);

}  // namespace starling::crypto
