#include "crypto/noise_hash.h"

#include <sodium.h>

#include <algorithm>

#include "starling/check.h"

namespace starling::crypto {
namespace {

std::size_t block_bytes(HashFunction function) {
  return function == HashFunction::sha256 ? 64 : 128;  // FIPS 180-4; RFC 7693
}

/// SHA-256 or BLAKE2b-512 of pieces.
class IncrementalHash {
 public:
  explicit IncrementalHash(HashFunction function) : function_(function) {
    if (function_ == HashFunction::sha256) {
      crypto_hash_sha256_init(&sha256_);
    } else {
      crypto_generichash_blake2b_init(&blake2b_, nullptr, 0, hash_bytes(function_));
    }
  }
  IncrementalHash(const IncrementalHash&) = delete;
  IncrementalHash& operator=(const IncrementalHash&) = delete;
  ~IncrementalHash() {
    sodium_memzero(&sha256_, sizeof sha256_);
    sodium_memzero(&blake2b_, sizeof blake2b_);
  }

  void update(ByteSpan bytes) {
    if (function_ == HashFunction::sha256) {
      crypto_hash_sha256_update(&sha256_, bytes.data(), bytes.size());
    } else {
      crypto_generichash_blake2b_update(&blake2b_, bytes.data(), bytes.size());
    }
  }

  HashValue finish() {
    HashValue value(hash_bytes(function_));
    if (function_ == HashFunction::sha256) {
      crypto_hash_sha256_final(&sha256_, value.mutable_bytes().data());
    } else {
      crypto_generichash_blake2b_final(&blake2b_, value.mutable_bytes().data(),
                                       hash_bytes(function_));
    }
    return value;
  }

 private:
  HashFunction function_;
  crypto_hash_sha256_state sha256_;
  crypto_generichash_blake2b_state blake2b_;
};

/// One block: the key, padded with zeros, each byte xored with `pad` (RFC 2104, section 2).
Secret<128> padded_key(ByteSpan key, std::uint8_t pad) {
  Secret<128> block;
  std::ranges::fill(block.mutable_bytes(), pad);
  for (std::size_t i = 0; i < key.size(); ++i) block.mutable_bytes()[i] ^= key[i];
  return block;
}

}  // namespace

Secret<32> HashValue::as_key() const {
  Secret<32> key;
  std::ranges::copy(bytes().first(32), key.mutable_bytes().begin());
  return key;
}

std::size_t hash_bytes(HashFunction function) {
  return function == HashFunction::sha256 ? 32 : 64;
}

HashValue hash_of(HashFunction function, std::initializer_list<ByteSpan> parts) {
  IncrementalHash hash(function);
  for (const ByteSpan part : parts) hash.update(part);
  return hash.finish();
}

HashValue hmac_of(HashFunction function, ByteSpan key, std::initializer_list<ByteSpan> parts) {
  const std::size_t block = block_bytes(function);
  STARLING_CHECK(key.size() <= block);
  IncrementalHash inner(function);
  inner.update(padded_key(key, 0x36).bytes().first(block));
  for (const ByteSpan part : parts) inner.update(part);
  const Secret<128> outer_key = padded_key(key, 0x5c);
  return hash_of(function, {outer_key.bytes().first(block), inner.finish().bytes()});
}

std::array<HashValue, 3> hkdf(HashFunction function, const HashValue& chaining_key,
                              ByteSpan input) {
  const HashValue temporary = hmac_of(function, chaining_key.bytes(), {input});
  const auto output = [&](ByteSpan previous, std::uint8_t index) {
    return hmac_of(function, temporary.bytes(), {previous, ByteSpan(&index, 1)});
  };
  HashValue first = output({}, 1);
  HashValue second = output(first.bytes(), 2);
  HashValue third = output(second.bytes(), 3);
  return {std::move(first), std::move(second), std::move(third)};
}

}  // namespace starling::crypto
