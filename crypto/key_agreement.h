#pragma once
// X25519 (RFC 7748) key pairs.

#include <array>
#include <cstdint>
#include <optional>

#include "crypto/secret.h"

namespace starling::crypto {

using AgreementPublicKey = std::array<std::uint8_t, 32>;
using SharedSecret = Secret<32>;

struct AgreementKeyPair {
  Secret<32> secret;
  AgreementPublicKey public_key{};

  /// Any 32 random bytes are a secret key. One curve operation.
  [[nodiscard]] static AgreementKeyPair from_secret(const Secret<32>& secret);
};

/// Nothing if `peer` is a low-order point, which would make the result predictable.
[[nodiscard]] std::optional<SharedSecret> agree(const Secret<32>& own,
                                                const AgreementPublicKey& peer);

}  // namespace starling::crypto
