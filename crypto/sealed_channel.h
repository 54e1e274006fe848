#pragma once
// The two directions of an established connection: ChaCha20-Poly1305 (RFC 8439) frames with a
// counter as nonce and a new key every so many frames (Noise specification, revision 34, sections
// 5.1 and 11.3).

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <utility>

#include "crypto/bulk_aead.h"
#include "crypto/secret.h"
#include "starling/ids.h"

namespace starling::crypto {

/// A sealed frame is this much longer than its plaintext.
inline constexpr std::size_t seal_overhead_bytes = 16;

enum class SealError : std::uint8_t {
  not_authentic,  ///< Changed, cut, repeated, out of order, or under another key.
  exhausted,      ///< 2^64 - 1 frames were sealed: the last counter is reserved for the rekey.
};

/// The key of one direction, the same at both ends. Wiped on destruction; never copied, because two
/// copies would use the same counters.
class FrameKey {
 public:
  /// rekey_interval_frames: > 0. next_frame: the counter of the next frame; other than 0 in tests.
  FrameKey(Secret<32> key, std::uint64_t rekey_interval_frames, std::uint64_t next_frame = 0);
  FrameKey(FrameKey&&) noexcept = default;
  FrameKey& operator=(FrameKey&&) noexcept = default;

  [[nodiscard]] const Secret<32>& key() const { return key_; }
  [[nodiscard]] std::uint64_t next_frame() const { return next_frame_; }
  [[nodiscard]] bool exhausted() const;

  /// Counts a frame; after every `rekey_interval_frames` of them the key is replaced: true.
  bool advance();

 private:
  Secret<32> key_;
  std::uint64_t rekey_interval_frames_;
  std::uint64_t next_frame_;
};

/// The sending direction. No allocation per frame, but for the first large one.
class SealingKey {
 public:
  explicit SealingKey(FrameKey key) : key_(std::move(key)) {}

  /// sealed: plaintext.size() + seal_overhead_bytes; it may begin where `plaintext` does, but not
  /// overlap it otherwise. Error: exhausted.
  [[nodiscard]] std::expected<void, SealError> seal(ByteSpan plaintext,
                                                    std::span<std::uint8_t> sealed);

 private:
  FrameKey key_;
  BulkAead bulk_;
};

/// The receiving direction.
class OpeningKey {
 public:
  explicit OpeningKey(FrameKey key) : key_(std::move(key)) {}

  /// Decrypts in place; the plaintext is the front part of `sealed`, which is returned.
  /// Error: not_authentic (the counter does not move; close the connection), exhausted.
  [[nodiscard]] std::expected<std::span<std::uint8_t>, SealError> open(
      std::span<std::uint8_t> sealed);

 private:
  FrameKey key_;
  BulkAead bulk_;
};

}  // namespace starling::crypto
