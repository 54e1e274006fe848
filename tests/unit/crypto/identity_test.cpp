#include "crypto/identity.h"

#include <gtest/gtest.h>

#include "tests/support/crypto_keys.h"

namespace starling::crypto {
namespace {

constexpr UnixSeconds expiry{1'000};
constexpr UnixSeconds before_expiry{999};

CertifiedStaticKey certified() {
  return certify_static_key(node_key(1), secret_of(2), run_of(3), expiry);
}

TEST(NodeKey, SurvivesItsTextForm) {
  const auto key = parse_node_key(node_key_text(secret_of(1)));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->id(), node_key(1).id());
}

TEST(NodeKey, TextCutAnywhereIsRefused) {
  const std::string text = node_key_text(secret_of(0xab));
  for (std::size_t length = 0; length + 1 < text.size(); ++length) {
    const auto key = parse_node_key(text.substr(0, length));
    ASSERT_FALSE(key) << length;
    EXPECT_EQ(key.error().kind, ErrorKind::invalid_input);
  }
}

TEST(NodeKey, ErrorNeverRepeatsTheSecret) {
  std::string text = node_key_text(secret_of(0xab));
  text[30] = 'x';
  const auto key = parse_node_key(text);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().message.find("abab"), std::string::npos);
}

TEST(Certificate, IsValidForItsRunAndKeyUntilItExpires) {
  const auto self = certified();
  EXPECT_TRUE(self.certificate.verify(run_of(3), self.key.public_key, before_expiry));
  EXPECT_EQ(self.certificate.verify(run_of(3), self.key.public_key, expiry).error(),
            CertificateError::expired);
}

TEST(Certificate, IsRefusedForAnotherRun) {
  const auto self = certified();
  EXPECT_EQ(self.certificate.verify(run_of(4), self.key.public_key, before_expiry).error(),
            CertificateError::bad_signature);
}

TEST(Certificate, IsRefusedForAnotherStaticKey) {
  const auto other = AgreementKeyPair::from_secret(secret_of(5));
  EXPECT_EQ(certified().certificate.verify(run_of(3), other.public_key, before_expiry).error(),
            CertificateError::bad_signature);
}

TEST(Certificate, WithAnyBitFlippedIsRefused) {
  const auto self = certified();
  const auto encoded = self.certificate.encode();
  ASSERT_TRUE(
      StaticKeyCertificate::decode(encoded).verify(run_of(3), self.key.public_key, before_expiry));
  for (std::size_t bit = 0; bit < encoded.size() * 8; ++bit) {
    auto flipped = encoded;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(
        StaticKeyCertificate::decode(flipped).verify(run_of(3), self.key.public_key, before_expiry))
        << bit;
  }
}

}  // namespace
}  // namespace starling::crypto
