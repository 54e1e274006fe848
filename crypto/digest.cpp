#include "crypto/digest.h"

#include <sodium.h>

#include <algorithm>
#include <new>

#include "crypto/secret.h"
#include "starling/check.h"

namespace starling::crypto {
namespace {

using State = crypto_generichash_blake2b_state;

}  // namespace

Hasher::Hasher(std::string_view context, ByteSpan key) {
  static_assert(sizeof(State) <= sizeof(state_) && alignof(State) <= 64);
  STARLING_CHECK(context.size() <= crypto_generichash_blake2b_PERSONALBYTES);
  STARLING_CHECK(key.size() <= crypto_generichash_blake2b_KEYBYTES_MAX);
  std::array<std::uint8_t, crypto_generichash_blake2b_PERSONALBYTES> personal{};
  std::ranges::copy(context, personal.begin());
  STARLING_CHECK(crypto_generichash_blake2b_init_salt_personal(new (state_.data()) State,
                                                               key.data(), key.size(), Digest::size,
                                                               nullptr, personal.data()) == 0);
}

Hasher::~Hasher() {
  wipe(state_);
}

void Hasher::update(ByteSpan bytes) {
  auto* state = std::launder(reinterpret_cast<State*>(state_.data()));
  crypto_generichash_blake2b_update(state, bytes.data(), bytes.size());
}

Digest Hasher::finish() {
  auto* state = std::launder(reinterpret_cast<State*>(state_.data()));
  Digest digest;
  STARLING_CHECK(crypto_generichash_blake2b_final(state, digest.bytes.data(), Digest::size) == 0);
  return digest;
}

Digest digest_of(ByteSpan bytes) {
  return digest_in({}, bytes);
}

Digest digest_in(std::string_view context, ByteSpan bytes) {
  Hasher hasher(context);
  hasher.update(bytes);
  return hasher.finish();
}

Digest keyed_digest(ByteSpan key, std::string_view context, ByteSpan bytes) {
  STARLING_CHECK(!key.empty());
  Hasher hasher(context, key);
  hasher.update(bytes);
  return hasher.finish();
}

}  // namespace starling::crypto
