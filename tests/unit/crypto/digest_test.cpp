// Expected values: Python's hashlib.blake2b(message, digest_size=32, key=..., person=...).
#include "crypto/digest.h"

#include <gtest/gtest.h>

#include "tests/support/crypto_keys.h"

namespace starling::crypto {
namespace {

TEST(Digest, IsBlake2b256) {
  EXPECT_EQ(digest_of(bytes_of("")).hex(),
            "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  EXPECT_EQ(digest_of(bytes_of("abc")).hex(),
            "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

TEST(Digest, ContextIsBlake2bsPersonalisation) {
  EXPECT_EQ(digest_in("run id", bytes_of("abc")).hex(),
            "2741f1e1adc8d138a971d1add05982b24b59a9023a1b3df8d744ffa249cf1500");
}

TEST(Digest, KeyIsBlake2bsKey) {
  EXPECT_EQ(keyed_digest(counting_bytes<32>(), "run id", bytes_of("abc")).hex(),
            "a61c183f51cb06bc66c6bc6d2613916721332a41093c14a2a673d3e399a7d976");
}

TEST(Digest, OfPiecesIsThatOfTheirConcatenation) {
  Hasher hasher("run id");
  hasher.update(bytes_of("a"));
  hasher.update({});
  hasher.update(bytes_of("bc"));
  EXPECT_EQ(hasher.finish(), digest_in("run id", bytes_of("abc")));
}

}  // namespace
}  // namespace starling::crypto
