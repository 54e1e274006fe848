#pragma once
// ChaCha20-Poly1305 (RFC 8439) as Noise uses it (specification, revision 34, 12.3).

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "crypto/secret.h"
#include "starling/ids.h"

namespace starling::crypto {

inline constexpr std::size_t aead_tag_bytes = 16;

/// Four zero bytes ‖ 64-bit little-endian counter.
using AeadNonce = std::array<std::uint8_t, 12>;
[[nodiscard]] AeadNonce aead_nonce(std::uint64_t counter);

/// The last counter encrypts no message: it is the rekey's (specification, 4.2).
inline constexpr std::uint64_t rekey_counter = std::numeric_limits<std::uint64_t>::max();

/// out: plaintext.size() + aead_tag_bytes; it may begin where `plaintext` does.
void aead_seal(const Secret<32>& key, std::uint64_t counter, ByteSpan associated,
               ByteSpan plaintext, std::uint8_t* out);

/// out: sealed.size() - aead_tag_bytes; it may begin where `sealed` does. False, and `out` is
/// zero, if `sealed` is not authentic.
[[nodiscard]] bool aead_open(const Secret<32>& key, std::uint64_t counter, ByteSpan associated,
                             ByteSpan sealed, std::uint8_t* out);

/// Noise's REKEY: a one-way step to the next key.
[[nodiscard]] Secret<32> rekeyed(const Secret<32>& key);

}  // namespace starling::crypto
