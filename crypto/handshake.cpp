#include "crypto/handshake.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "crypto/aead.h"
#include "crypto/byte_order.h"
#include "starling/check.h"

namespace starling::crypto {

enum class HandshakeToken : std::uint8_t { e, s, ee, es, se, ss, psk };

namespace {

// A Noise message of any kind is at most this long (specification, section 3).
constexpr std::size_t noise_message_bytes_max = 65'535;

using Token = HandshakeToken;
using Tokens = std::span<const Token>;

struct Pattern {
  std::string_view name;
  bool initiator_knows_responder = false;  // the pre-message "<- s"
  bool has_psk = false;
  std::span<const Tokens> messages;
};

// The patterns as the specification writes them (7.5 and 9.4); the initiator speaks first.
using enum Token;
constexpr Token token_e[] = {e};
constexpr Token xx_2[] = {e, ee, s, es};
constexpr Token xx_3[] = {s, se};
constexpr Token xx_psk3_3[] = {s, se, psk};
constexpr Token ik_1[] = {e, es, s, ss};
constexpr Token ik_2[] = {e, ee, se};
constexpr Token ik_psk2_2[] = {e, ee, se, psk};

constexpr Tokens xx[] = {token_e, xx_2, xx_3};
constexpr Tokens xx_psk3[] = {token_e, xx_2, xx_psk3_3};
constexpr Tokens ik[] = {ik_1, ik_2};
constexpr Tokens ik_psk2[] = {ik_1, ik_psk2_2};

constexpr std::array<Pattern, 4> patterns = {{
    {"XX", false, false, xx},
    {"XXpsk3", false, true, xx_psk3},
    {"IK", true, false, ik},
    {"IKpsk2", true, true, ik_psk2},
}};

const Pattern& table_of(HandshakePattern pattern) {
  return patterns[static_cast<std::size_t>(pattern)];
}

std::string protocol_name(HandshakePattern pattern, HashFunction hash) {
  return "Noise_" + std::string(table_of(pattern).name) + "_25519_ChaChaPoly_" +
         (hash == HashFunction::sha256 ? "SHA256" : "BLAKE2b");
}

/// Cuts a public key off the front of `message`; nothing if it is too short.
std::optional<AgreementPublicKey> take_key(ByteSpan& message) {
  AgreementPublicKey key;
  if (message.size() < key.size()) return std::nullopt;
  std::ranges::copy(message.first(key.size()), key.begin());
  message = message.subspan(key.size());
  return key;
}

}  // namespace

HandshakeState::HandshakeState(HandshakeOptions options)
    : options_(std::move(options)),
      symmetric_(options_.hash, protocol_name(options_.pattern, options_.hash)),
      remote_static_(options_.remote_static) {
  const Pattern& pattern = table_of(options_.pattern);
  const bool initiator = options_.role == HandshakeRole::initiator;
  STARLING_CHECK(pattern.has_psk == options_.psk.has_value());
  STARLING_CHECK((pattern.initiator_knows_responder && initiator) == remote_static_.has_value());
  symmetric_.mix_hash(options_.prologue);
  if (pattern.initiator_knows_responder) {
    symmetric_.mix_hash(initiator ? *remote_static_ : options_.static_key.public_key);
  }
}

bool HandshakeState::finished() const {
  return next_message_ == table_of(options_.pattern).messages.size();
}

bool HandshakeState::my_turn() const {
  const bool initiators_turn = next_message_ % 2 == 0;
  return !finished() && initiators_turn == (options_.role == HandshakeRole::initiator);
}

std::expected<Bytes, HandshakeError> HandshakeState::write_message(ByteSpan payload) {
  STARLING_CHECK(my_turn());
  Bytes message;
  for (const Token token : table_of(options_.pattern).messages[next_message_]) {
    if (token == e) {
      write_ephemeral(message);
    } else if (token == s) {
      symmetric_.encrypt_and_hash(options_.static_key.public_key, message);
    } else if (!mix_secret(token)) {
      return std::unexpected(HandshakeError::low_order_point);
    }
  }
  symmetric_.encrypt_and_hash(payload, message);
  STARLING_CHECK(message.size() <= noise_message_bytes_max);
  ++next_message_;
  return message;
}

std::expected<Bytes, HandshakeError> HandshakeState::read_message(ByteSpan message) {
  STARLING_CHECK(!finished() && !my_turn());
  if (message.size() > noise_message_bytes_max) return std::unexpected(HandshakeError::bad_message);
  for (const Token token : table_of(options_.pattern).messages[next_message_]) {
    const bool done = token == e   ? read_ephemeral(message)
                      : token == s ? read_static(message)
                                   : mix_secret(token);
    if (done) continue;
    const bool is_key = token == e || token == s;
    return std::unexpected(is_key ? HandshakeError::bad_message : HandshakeError::low_order_point);
  }
  auto payload = symmetric_.decrypt_and_hash(message);
  if (!payload) return std::unexpected(HandshakeError::bad_message);
  ++next_message_;
  return *std::move(payload);
}

HandshakeResult HandshakeState::split() const {
  STARLING_CHECK(finished());
  auto [from_initiator, from_responder] = symmetric_.split();
  if (options_.role == HandshakeRole::responder) std::swap(from_initiator, from_responder);
  return {symmetric_.handshake_hash(), std::move(from_initiator), std::move(from_responder),
          *remote_static_};
}

void HandshakeState::write_ephemeral(Bytes& message) {
  ephemeral_ = AgreementKeyPair::from_secret(options_.ephemeral_secret);
  append(message, ephemeral_.public_key);
  mix_ephemeral(ephemeral_.public_key);
}

bool HandshakeState::read_ephemeral(ByteSpan& message) {
  remote_ephemeral_ = take_key(message);
  if (remote_ephemeral_) mix_ephemeral(*remote_ephemeral_);
  return remote_ephemeral_.has_value();
}

void HandshakeState::mix_ephemeral(const AgreementPublicKey& key) {
  symmetric_.mix_hash(key);
  // With a psk the ephemeral keys must randomise the cipher key too (specification, 9.2).
  if (options_.psk) symmetric_.mix_key(key);
}

bool HandshakeState::read_static(ByteSpan& message) {
  const std::size_t size =
      std::tuple_size_v<AgreementPublicKey> + (symmetric_.has_key() ? aead_tag_bytes : 0);
  if (message.size() < size) return false;
  const auto opened = symmetric_.decrypt_and_hash(message.first(size));
  if (!opened) return false;
  ByteSpan key = *opened;
  remote_static_ = take_key(key);
  message = message.subspan(size);
  return true;
}

bool HandshakeState::mix_secret(Token token) {
  if (token == psk) {
    symmetric_.mix_key_and_hash(options_.psk->bytes());
    return true;
  }
  // The first letter names the initiator's key, the second the responder's.
  bool own_is_ephemeral = token == ee || token == es;
  bool remote_is_ephemeral = token == ee || token == se;
  if (options_.role == HandshakeRole::responder) std::swap(own_is_ephemeral, remote_is_ephemeral);
  const AgreementKeyPair& own = own_is_ephemeral ? ephemeral_ : options_.static_key;
  const auto shared = agree(own.secret, remote_is_ephemeral ? *remote_ephemeral_ : *remote_static_);
  if (!shared) return false;
  symmetric_.mix_key(shared->bytes());
  return true;
}

}  // namespace starling::crypto
