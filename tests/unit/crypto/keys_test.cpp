#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/key_agreement.h"
#include "crypto/secret.h"
#include "crypto/signature.h"
#include "tests/support/crypto_keys.h"

namespace starling::crypto {
namespace {

Secret<32> secret_from_hex(std::string_view text) {
  const Bytes bytes = from_hex(text).value();
  Secret<32> secret;
  std::ranges::copy(bytes, secret.mutable_bytes().begin());
  return secret;
}

TEST(Secret, IsWipedWhenMovedFrom) {
  Secret<32> first = secret_of(7);
  const Secret<32> second = std::move(first);
  EXPECT_TRUE(std::ranges::equal(second.bytes(), secret_of(7).bytes()));
  EXPECT_TRUE(std::ranges::equal(first.bytes(), secret_of(0).bytes()));
}

TEST(Signature, MatchesRfc8032Test2) {  // RFC 8032, section 7.1
  const SigningKey key = SigningKey::from_seed(
      secret_from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  EXPECT_EQ(key.id().hex(), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const std::array<std::uint8_t, 1> message = {0x72};
  EXPECT_EQ(to_hex(key.sign(message)),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
}

TEST(Signature, IsRefusedForAnotherMessageOrAuthor) {
  const SigningKey key = node_key(1);
  const Signature signature = key.sign(bytes_of("message"));
  EXPECT_TRUE(verify(key.id(), bytes_of("message"), signature));
  EXPECT_FALSE(verify(key.id(), bytes_of("massage"), signature));
  EXPECT_FALSE(verify(node_key(2).id(), bytes_of("message"), signature));
}

TEST(KeyAgreement, MatchesRfc7748) {  // RFC 7748, section 6.1
  const auto alice = AgreementKeyPair::from_secret(
      secret_from_hex("77076d0a7318a57d3c16c17251b26645df4c2f92ebc10dd1d2acd7a1c5f4b5f8"));
  const auto bob = AgreementKeyPair::from_secret(
      secret_from_hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  EXPECT_EQ(to_hex(bob.public_key),
            "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  const auto ours = agree(alice.secret, bob.public_key);
  const auto theirs = agree(bob.secret, alice.public_key);
  ASSERT_TRUE(ours && theirs);
  EXPECT_TRUE(std::ranges::equal(ours->bytes(), theirs->bytes()));
}

TEST(KeyAgreement, RefusesLowOrderPoints) {
  // The encodings of the points of order 1, 2, 4 and 8 (RFC 7748, section 6.1, and
  // cr.yp.to/ecdh.html, "How do I validate public keys").
  for (const char* point : {"0000000000000000000000000000000000000000000000000000000000000000",
                            "0100000000000000000000000000000000000000000000000000000000000000",
                            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    AgreementPublicKey key;
    std::ranges::copy(from_hex(point).value(), key.begin());
    EXPECT_FALSE(agree(secret_of(9), key)) << point;
  }
}

}  // namespace
}  // namespace starling::crypto
