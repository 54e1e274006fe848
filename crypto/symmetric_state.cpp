#include "crypto/symmetric_state.h"

#include <algorithm>

#include "crypto/aead.h"
#include "crypto/byte_order.h"

namespace starling::crypto {
namespace {

ByteSpan bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// The name itself, padded with zeros, if it fits; its hash otherwise (specification, 5.2).
HashValue first_hash(HashFunction function, std::string_view protocol_name) {
  if (protocol_name.size() > hash_bytes(function)) {
    return hash_of(function, {bytes_of(protocol_name)});
  }
  HashValue value(hash_bytes(function));
  std::ranges::copy(bytes_of(protocol_name), value.mutable_bytes().begin());
  return value;
}

}  // namespace

SymmetricState::SymmetricState(HashFunction function, std::string_view protocol_name)
    : function_(function), hash_(first_hash(function, protocol_name)), chaining_key_(hash_) {}

void SymmetricState::mix_hash(ByteSpan data) {
  hash_ = hash_of(function_, {hash_.bytes(), data});
}

void SymmetricState::mix_key(ByteSpan input) {
  auto outputs = hkdf(function_, chaining_key_, input);
  chaining_key_ = std::move(outputs[0]);
  key_ = outputs[1].as_key();
  nonce_ = 0;
}

void SymmetricState::mix_key_and_hash(ByteSpan input) {
  auto outputs = hkdf(function_, chaining_key_, input);
  chaining_key_ = std::move(outputs[0]);
  mix_hash(outputs[1].bytes());
  key_ = outputs[2].as_key();
  nonce_ = 0;
}

void SymmetricState::encrypt_and_hash(ByteSpan plaintext, Bytes& message) {
  const std::size_t begin = message.size();
  if (key_) {
    message.resize(begin + plaintext.size() + aead_tag_bytes);
    aead_seal(*key_, nonce_++, hash_.bytes(), plaintext, message.data() + begin);
  } else {
    append(message, plaintext);
  }
  mix_hash(ByteSpan(message).subspan(begin));
}

std::optional<Bytes> SymmetricState::decrypt_and_hash(ByteSpan ciphertext) {
  Bytes plaintext(ciphertext.begin(), ciphertext.end());
  if (key_) {
    if (ciphertext.size() < aead_tag_bytes) return std::nullopt;
    plaintext.resize(ciphertext.size() - aead_tag_bytes);
    if (!aead_open(*key_, nonce_++, hash_.bytes(), ciphertext, plaintext.data())) {
      return std::nullopt;
    }
  }
  mix_hash(ciphertext);
  return plaintext;
}

std::pair<Secret<32>, Secret<32>> SymmetricState::split() const {
  const auto outputs = hkdf(function_, chaining_key_, {});
  return {outputs[0].as_key(), outputs[1].as_key()};
}

}  // namespace starling::crypto
