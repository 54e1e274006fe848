#include "crypto/signature.h"

#include <sodium.h>

#include "starling/check.h"

namespace starling::crypto {

SigningKey SigningKey::from_seed(const Secret<32>& seed) {
  SigningKey key;
  STARLING_CHECK(crypto_sign_ed25519_seed_keypair(key.id_.bytes.data(),
                                                  key.secret_.mutable_bytes().data(),
                                                  seed.bytes().data()) == 0);
  return key;
}

Signature SigningKey::sign(ByteSpan message) const {
  Signature signature;
  STARLING_CHECK(crypto_sign_ed25519_detached(signature.data(), nullptr, message.data(),
                                              message.size(), secret_.bytes().data()) == 0);
  return signature;
}

bool verify(const NodeId& author, ByteSpan message, const Signature& signature) {
  return crypto_sign_ed25519_verify_detached(signature.data(), message.data(), message.size(),
                                             author.bytes.data()) == 0;
}

}  // namespace starling::crypto
