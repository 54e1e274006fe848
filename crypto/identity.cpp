#include "crypto/identity.h"

#include <algorithm>
#include <utility>

#include "crypto/byte_order.h"

namespace starling::crypto {
namespace {

constexpr std::string_view key_file_prefix = "starling-node-key-1 ";

/// What a certificate's signature covers: context ‖ run id ‖ static key ‖ expiry.
Bytes signed_bytes(const RunId& run, const AgreementPublicKey& static_key, UnixSeconds expiry) {
  constexpr std::string_view context = "starling static key 1";
  Bytes bytes(context.begin(), context.end());
  append(bytes, run.bytes);
  append(bytes, static_key);
  append_big_endian(bytes, static_cast<std::uint64_t>(expiry.value));
  return bytes;
}

}  // namespace

std::string node_key_text(const Secret<32>& seed) {
  return std::string(key_file_prefix) + to_hex(seed.bytes()) + "\n";
}

Result<SigningKey> parse_node_key(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  constexpr std::size_t seed_digits = 64;
  const std::size_t expected = key_file_prefix.size() + seed_digits;
  if (!text.starts_with(key_file_prefix) || text.size() != expected) {
    return invalid_input("not a node key: " + std::to_string(text.size()) +
                         " characters; allowed: \"" + std::string(key_file_prefix) + "\" and " +
                         std::to_string(seed_digits) + " hexadecimal digits");
  }
  auto seed_bytes = from_hex(text.substr(key_file_prefix.size()));
  if (!seed_bytes) {
    return invalid_input("node key has a character that is not a hexadecimal digit");
  }
  Secret<32> seed;
  std::ranges::copy(*seed_bytes, seed.mutable_bytes().begin());
  wipe(*seed_bytes);
  return SigningKey::from_seed(seed);
}

StaticKeyCertificate::Encoded StaticKeyCertificate::encode() const {
  Bytes bytes;
  append(bytes, node.bytes);
  append_big_endian(bytes, static_cast<std::uint64_t>(expiry.value));
  append(bytes, signature);
  Encoded encoded;
  std::ranges::copy(bytes, encoded.begin());
  return encoded;
}

StaticKeyCertificate StaticKeyCertificate::decode(
    std::span<const std::uint8_t, encoded_bytes> bytes) {
  ByteReader reader(bytes);  // the size is fixed, so nothing below can be missing
  StaticKeyCertificate certificate;
  certificate.node = *NodeId::from_bytes(*reader.take(NodeId::size));
  certificate.expiry.value = static_cast<std::int64_t>(*reader.take_big_endian<std::uint64_t>());
  std::ranges::copy(*reader.take(certificate.signature.size()), certificate.signature.begin());
  return certificate;
}

std::expected<void, CertificateError> StaticKeyCertificate::verify(
    const RunId& run, const AgreementPublicKey& static_key, UnixSeconds now) const {
  if (now >= expiry) return std::unexpected(CertificateError::expired);
  if (!crypto::verify(node, signed_bytes(run, static_key, expiry), signature)) {
    return std::unexpected(CertificateError::bad_signature);
  }
  return {};
}

CertifiedStaticKey certify_static_key(const SigningKey& node, const Secret<32>& static_secret,
                                      const RunId& run, UnixSeconds expiry) {
  AgreementKeyPair key = AgreementKeyPair::from_secret(static_secret);
  const Signature signature = node.sign(signed_bytes(run, key.public_key, expiry));
  return {std::move(key), {node.id(), expiry, signature}};
}

}  // namespace starling::crypto
