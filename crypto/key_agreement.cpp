#include "crypto/key_agreement.h"

#include <sodium.h>

#include "starling/check.h"

namespace starling::crypto {

AgreementKeyPair AgreementKeyPair::from_secret(const Secret<32>& secret) {
  AgreementKeyPair pair{secret, {}};
  STARLING_CHECK(crypto_scalarmult_curve25519_base(pair.public_key.data(), secret.bytes().data()) ==
                 0);
  return pair;
}

std::optional<SharedSecret> agree(const Secret<32>& own, const AgreementPublicKey& peer) {
  SharedSecret shared;
  if (crypto_scalarmult_curve25519(shared.mutable_bytes().data(), own.bytes().data(),
                                   peer.data()) != 0) {
    return std::nullopt;
  }
  return shared;
}

}  // namespace starling::crypto
