#pragma once
// The product's handshake: Noise XX (open runs) or XXpsk3 (private runs) over 25519, ChaChaPoly and
// SHA-256, in which both sides prove which node they are. docs: PROTOCOL.md section 1.
//
//   dialer                                          listener
//   [tag] e                                    ->
//                                              <-   e, ee, s, es, {introduction}
//   s, se, [psk], {introduction}               ->
//
// An introduction is certificate, clock, incarnation. Each side tells its wall clock (seconds since
// 1970, 64 bits): certificates out of date mean that one of the clocks is wrong, and by how much is
// then known. The incarnation says which of the node's processes it is.

#include <cstdint>
#include <expected>
#include <optional>

#include "crypto/handshake.h"
#include "crypto/identity.h"
#include "crypto/sealed_channel.h"
#include "crypto/secret.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::crypto {

struct NodeHandshakeOptions {
  HandshakeRole role = HandshakeRole::initiator;
  std::uint8_t protocol_version = 0;
  RunId run;
  std::optional<Secret<32>> psk;  ///< Set: a private run. Both sides know it from the ticket.
  CertifiedStaticKey self;
  std::uint64_t incarnation = 0;  ///< Of this process; the peer is told it with the certificate.
  Secret<32> ephemeral_secret;    ///< 32 fresh random bytes for this handshake only.
  std::optional<NodeId> expected_peer;  ///< Checked before the dialer names itself.
  UnixSeconds now;
  std::uint64_t rekey_interval_frames = 256;  ///< By count, so that quiet links rekey too (BIP324).
};

/// What a finished handshake leaves.
struct EstablishedChannel {
  NodeId peer;
  std::uint64_t incarnation = 0;  ///< The peer's process.
  Digest handshake_hash;          ///< Equal at both ends, unique to this connection.
  SealingKey sealing;
  OpeningKey opening;
};

/// One side of one connection's handshake.
class NodeHandshake {
 public:
  explicit NodeHandshake(NodeHandshakeOptions options);

  /// The dialer's message 1. Call once, initiator only.
  [[nodiscard]] std::expected<Bytes, HandshakeError> start();

  /// Takes the peer's next message and returns the answer to send, empty if none is due.
  /// After an error every further call fails.
  [[nodiscard]] std::expected<Bytes, HandshakeError> receive(ByteSpan message);

  /// True when both sides are authenticated; an answer that receive() returned must still be sent.
  [[nodiscard]] bool finished() const;

  /// Seconds by which the peer's clock is ahead of ours, once the peer has told it; also when the
  /// handshake has failed.
  [[nodiscard]] std::optional<std::int64_t> peer_clock_ahead() const { return peer_clock_ahead_; }

  /// Requires finished(); call once.
  [[nodiscard]] EstablishedChannel take_channel();

 private:
  NodeHandshakeOptions options_;
  HandshakeState noise_;
  std::optional<NodeId> peer_;  // set once its certificate was verified
  std::optional<std::int64_t> peer_clock_ahead_;
  std::uint64_t peer_incarnation_ = 0;
  bool failed_ = false;

  std::expected<Bytes, HandshakeError> advance(ByteSpan message);
  std::expected<void, HandshakeError> check_introduction(ByteSpan payload);
  [[nodiscard]] bool has_valid_tag(ByteSpan message) const;
  [[nodiscard]] Digest tag_of(ByteSpan message) const;
};

}  // namespace starling::crypto
