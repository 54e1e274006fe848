#pragma once
// ChaCha20-Poly1305 by libcrypto, for frames of bulk: the bytes of aead.h at twice the speed where
// frames are large. libsodium stays the reference, and does what libcrypto cannot.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "crypto/secret.h"
#include "starling/ids.h"

namespace starling::crypto {

/// From here on libcrypto is faster: below, its calls cost what its loops gain. Measured by
/// bench/micro/crypto.cpp: equal at 1 KiB, 1.5 times as fast at 2 KiB, 2.3 times at 16 KiB.
inline constexpr std::size_t bulk_aead_bytes_min = 2048;

/// What libcrypto needs between frames. Without it until the first frame; not shared by threads.
class BulkAead {
 public:
  BulkAead();
  ~BulkAead();
  BulkAead(BulkAead&&) noexcept;
  BulkAead& operator=(BulkAead&&) noexcept;

  /// False: libcrypto lacks the cipher, or was told to do without it.
  [[nodiscard]] bool is_available();

  /// As aead_seal without associated data. Requires is_available().
  void seal(const Secret<32>& key, std::uint64_t counter, ByteSpan plaintext, std::uint8_t* out);

  /// As aead_open without associated data, in place. Requires is_available().
  [[nodiscard]] bool open(const Secret<32>& key, std::uint64_t counter,
                          std::span<std::uint8_t> sealed);

  /// Wipes the key of the last frame.
  void forget();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace starling::crypto
