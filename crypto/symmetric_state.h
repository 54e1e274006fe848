#pragma once
// Noise's CipherState and SymmetricState (specification, revision 34, 5.1 and 5.2) for ChaChaPoly.

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "crypto/noise_hash.h"
#include "crypto/secret.h"
#include "starling/ids.h"

namespace starling::crypto {

class SymmetricState {
 public:
  SymmetricState(HashFunction function, std::string_view protocol_name);

  void mix_hash(ByteSpan data);
  void mix_key(ByteSpan input);
  void mix_key_and_hash(ByteSpan input);

  [[nodiscard]] bool has_key() const { return key_.has_value(); }

  /// Appends the ciphertext, or the plaintext itself while there is no key, to `message`.
  void encrypt_and_hash(ByteSpan plaintext, Bytes& message);
  /// Nothing if `ciphertext` is not authentic.
  [[nodiscard]] std::optional<Bytes> decrypt_and_hash(ByteSpan ciphertext);

  [[nodiscard]] const HashValue& handshake_hash() const { return hash_; }
  /// The transport keys: the initiator's sending direction first.
  [[nodiscard]] std::pair<Secret<32>, Secret<32>> split() const;

 private:
  HashFunction function_;
  HashValue hash_;
  HashValue chaining_key_;
  std::optional<Secret<32>> key_;
  std::uint64_t nonce_ = 0;
};

}  // namespace starling::crypto
