#include "crypto/aead.h"

#include <sodium.h>

#include <algorithm>
#include <array>

namespace starling::crypto {

static_assert(aead_tag_bytes == crypto_aead_chacha20poly1305_ietf_ABYTES);
static_assert(sizeof(AeadNonce) == crypto_aead_chacha20poly1305_ietf_NPUBBYTES);

AeadNonce aead_nonce(std::uint64_t counter) {
  AeadNonce nonce{};
  for (std::size_t i = 4; i < nonce.size(); ++i) {
    nonce[i] = static_cast<std::uint8_t>(counter);
    counter >>= 8U;
  }
  return nonce;
}

void aead_seal(const Secret<32>& key, std::uint64_t counter, ByteSpan associated,
               ByteSpan plaintext, std::uint8_t* out) {
  crypto_aead_chacha20poly1305_ietf_encrypt(out, nullptr, plaintext.data(), plaintext.size(),
                                            associated.data(), associated.size(), nullptr,
                                            aead_nonce(counter).data(), key.bytes().data());
}

bool aead_open(const Secret<32>& key, std::uint64_t counter, ByteSpan associated, ByteSpan sealed,
               std::uint8_t* out) {
  return crypto_aead_chacha20poly1305_ietf_decrypt(
             out, nullptr, nullptr, sealed.data(), sealed.size(), associated.data(),
             associated.size(), aead_nonce(counter).data(), key.bytes().data()) == 0;
}

Secret<32> rekeyed(const Secret<32>& key) {
  constexpr std::array<std::uint8_t, 32> zeros{};
  Secret<zeros.size() + aead_tag_bytes> sealed;
  aead_seal(key, rekey_counter, {}, zeros, sealed.mutable_bytes().data());
  Secret<32> next;
  std::ranges::copy(sealed.bytes().first<32>(), next.mutable_bytes().begin());
  return next;
}

}  // namespace starling::crypto
