#pragma once
// Ed25519 (RFC 8032) node keys.

#include <array>
#include <cstdint>

#include "crypto/secret.h"
#include "starling/ids.h"

namespace starling::crypto {

using Signature = std::array<std::uint8_t, 64>;

/// A node's long-term key pair. Wiped on destruction.
class SigningKey {
 public:
  /// Deterministic: the same 32-byte seed gives the same key. Thread: any.
  [[nodiscard]] static SigningKey from_seed(const Secret<32>& seed);

  [[nodiscard]] const NodeId& id() const { return id_; }
  [[nodiscard]] Signature sign(ByteSpan message) const;

 private:
  SigningKey() = default;
  Secret<64> secret_;
  NodeId id_;
};

/// Callers put a context in front of what they sign, so that no signature is valid for two
/// purposes.
[[nodiscard]] bool verify(const NodeId& author, ByteSpan message, const Signature& signature);

}  // namespace starling::crypto
