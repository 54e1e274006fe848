#pragma once
// Noise handshakes (specification, revision 34) as an interpreter of message patterns. The product
// uses XX and XXpsk3 with SHA-256 through node_handshake.h; the others are here because the public
// test vectors that cover them check the same code.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>

#include "crypto/key_agreement.h"
#include "crypto/secret.h"
#include "crypto/symmetric_state.h"
#include "starling/ids.h"

namespace starling::crypto {

enum class HandshakePattern : std::uint8_t { xx, xx_psk3, ik, ik_psk2 };
enum class HandshakeRole : std::uint8_t { initiator, responder };

/// Why a handshake ended. The first two come from Noise itself, the others from node_handshake.h.
enum class HandshakeError : std::uint8_t {
  bad_message,      ///< Cut, too long, out of turn, or not authentic: another key, psk, prologue.
  low_order_point,  ///< A public key that would make the shared secret predictable.
  wrong_tag,        ///< The filter in front of message 1 of a private run did not match.
  expired_key,      ///< One of the two clocks is wrong, or a process outlived its certificate.
  bad_certificate,
  wrong_identity,  ///< Not the node that was dialled.
};

struct HandshakeOptions {
  HandshakePattern pattern = HandshakePattern::xx;
  HashFunction hash = HashFunction::sha256;
  HandshakeRole role = HandshakeRole::initiator;
  Bytes prologue;
  AgreementKeyPair static_key;
  Secret<32> ephemeral_secret;  ///< 32 fresh random bytes; used in this handshake only.
  std::optional<AgreementPublicKey> remote_static;  ///< Exactly for the initiator of IK.
  std::optional<Secret<32>> psk;                    ///< Exactly for the psk patterns.
};

struct HandshakeResult {
  HashValue handshake_hash;
  Secret<32> send_key;
  Secret<32> receive_key;
  AgreementPublicKey remote_static{};
};

enum class HandshakeToken : std::uint8_t;

/// One side of one handshake. After an error it must not be used again.
class HandshakeState {
 public:
  explicit HandshakeState(HandshakeOptions options);
  HandshakeState(HandshakeState&&) noexcept = default;  // never copied: ephemeral keys serve once
  HandshakeState& operator=(HandshakeState&&) noexcept = default;

  /// Whose turn it is; false when finished.
  [[nodiscard]] bool my_turn() const;
  [[nodiscard]] bool finished() const;
  /// How many messages were written or read.
  [[nodiscard]] std::size_t next_message() const { return next_message_; }

  /// Requires my_turn().
  [[nodiscard]] std::expected<Bytes, HandshakeError> write_message(ByteSpan payload);
  /// Returns the payload. Requires the peer's turn.
  [[nodiscard]] std::expected<Bytes, HandshakeError> read_message(ByteSpan message);

  /// The peer's static key as soon as a message that carries it was read.
  [[nodiscard]] const std::optional<AgreementPublicKey>& remote_static() const {
    return remote_static_;
  }

  /// The keys of both directions. Requires finished(); call once.
  [[nodiscard]] HandshakeResult split() const;

 private:
  HandshakeOptions options_;
  SymmetricState symmetric_;
  AgreementKeyPair ephemeral_;
  std::optional<AgreementPublicKey> remote_ephemeral_;
  std::optional<AgreementPublicKey> remote_static_;
  std::size_t next_message_ = 0;

  void write_ephemeral(Bytes& message);
  /// These two cut what they read off the front of `message`; false: bad_message.
  bool read_ephemeral(ByteSpan& message);
  bool read_static(ByteSpan& message);
  void mix_ephemeral(const AgreementPublicKey& key);
  /// A Diffie-Hellman or psk token; false: low_order_point.
  bool mix_secret(HandshakeToken token);
};

}  // namespace starling::crypto
