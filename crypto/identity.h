#pragma once
// Who a node is: its long-term signing key as text for the disk, and the certificate by which that
// key vouches for the fresh X25519 key of one process.

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "crypto/key_agreement.h"
#include "crypto/secret.h"
#include "crypto/signature.h"
#include "starling/ids.h"
#include "starling/instant.h"
#include "starling/result.h"

namespace starling::crypto {

/// The content of a node's key file: one line, "starling-node-key-1 " and 64 hexadecimal digits.
/// The caller keeps the file readable by its owner only.
[[nodiscard]] std::string node_key_text(const Secret<32>& seed);

/// The inverse. Error: invalid_input; the message never repeats the text, which may be a secret.
[[nodiscard]] Result<SigningKey> parse_node_key(std::string_view text);

enum class CertificateError : std::uint8_t {
  expired,
  bad_signature,  ///< Also: made for another run or another static key, since both are signed.
};

/// "This X25519 key speaks for `node` in one run, until `expiry`." The static key and the run are
/// signed but not repeated: both sides of a handshake know them already.
struct StaticKeyCertificate {
  static constexpr std::size_t encoded_bytes = 32 + 8 + 64;
  using Encoded = std::array<std::uint8_t, encoded_bytes>;

  NodeId node;
  UnixSeconds expiry;
  Signature signature{};

  /// Layout: node id ‖ expiry, 64 bits, big-endian ‖ signature.
  [[nodiscard]] Encoded encode() const;
  /// Decodes without judging.
  [[nodiscard]] static StaticKeyCertificate decode(
      std::span<const std::uint8_t, encoded_bytes> bytes);

  [[nodiscard]] std::expected<void, CertificateError> verify(const RunId& run,
                                                             const AgreementPublicKey& static_key,
                                                             UnixSeconds now) const;
};

/// What a process presents in all of its handshakes of one run.
struct CertifiedStaticKey {
  AgreementKeyPair key;
  StaticKeyCertificate certificate;
};

/// static_secret: 32 fresh random bytes, one per process (libp2p-noise does the same).
[[nodiscard]] CertifiedStaticKey certify_static_key(const SigningKey& node,
                                                    const Secret<32>& static_secret,
                                                    const RunId& run, UnixSeconds expiry);

}  // namespace starling::crypto
