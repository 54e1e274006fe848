#include "crypto/bulk_aead.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/aead.h"
#include "crypto/sealed_channel.h"
#include "starling/rng.h"
#include "tests/support/crypto_keys.h"

namespace starling::crypto {
namespace {

constexpr std::size_t sizes[] = {0, 1, 15, 16, 17, 63, 64, 65, 1000, 2047, 2048, 16384, 65519};

Bytes random_bytes(std::size_t size) {
  Rng rng(size);
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
  return bytes;
}

Bytes sealed_by_libsodium(ByteSpan plaintext, std::uint64_t counter) {
  Bytes sealed(plaintext.size() + aead_tag_bytes);
  aead_seal(secret_of(1), counter, {}, plaintext, sealed.data());
  return sealed;
}

TEST(BulkAead, SealsToTheBytesOfLibsodium) {
  BulkAead bulk;
  ASSERT_TRUE(bulk.is_available());
  std::uint64_t counter = 0xfffffff0U;  // across 2^32
  for (const std::size_t size : sizes) {
    const Bytes plaintext = random_bytes(size);
    Bytes sealed(size + aead_tag_bytes);
    bulk.seal(secret_of(1), ++counter, plaintext, sealed.data());
    EXPECT_EQ(sealed, sealed_by_libsodium(plaintext, counter)) << size;
    Bytes in_place = plaintext;
    in_place.resize(size + aead_tag_bytes);
    bulk.seal(secret_of(1), counter, ByteSpan(in_place).first(size), in_place.data());
    EXPECT_EQ(in_place, sealed) << size;
  }
}

TEST(BulkAead, OpensWhatLibsodiumHasSealed) {
  BulkAead bulk;
  ASSERT_TRUE(bulk.is_available());
  for (const std::size_t size : sizes) {
    const Bytes plaintext = random_bytes(size);
    Bytes sealed = sealed_by_libsodium(plaintext, 7);
    ASSERT_TRUE(bulk.open(secret_of(1), 7, sealed)) << size;
    EXPECT_TRUE(std::ranges::equal(ByteSpan(sealed).first(size), plaintext)) << size;
  }
}

TEST(BulkAead, RefusesWhatWasChangedAndLeavesNothingOfIt) {
  BulkAead bulk;
  ASSERT_TRUE(bulk.is_available());
  const Bytes plaintext = random_bytes(5000);
  for (const std::size_t changed : {0U, 2500U, 4999U, 5000U, 5015U}) {
    Bytes sealed = sealed_by_libsodium(plaintext, 7);
    sealed[changed] ^= 1U;
    EXPECT_FALSE(bulk.open(secret_of(1), 7, sealed)) << changed;
    EXPECT_EQ(std::ranges::count(ByteSpan(sealed).first(5000), 0), 5000) << changed;
  }
  Bytes sealed = sealed_by_libsodium(plaintext, 7);
  EXPECT_FALSE(bulk.open(secret_of(1), 8, sealed));
  sealed = sealed_by_libsodium(plaintext, 7);
  EXPECT_FALSE(bulk.open(secret_of(2), 7, sealed));
  EXPECT_FALSE(bulk.open(secret_of(1), 7, std::span(sealed).first(15)));
  sealed = sealed_by_libsodium(plaintext, 7);
  EXPECT_TRUE(bulk.open(secret_of(1), 7, sealed));  // a refusal leaves no trace
}

TEST(BulkAead, SealsOnAfterItWasMadeToForget) {
  BulkAead bulk;
  const Bytes plaintext = random_bytes(3000);
  for (std::uint64_t counter = 0; counter < 3; ++counter) {
    Bytes sealed(plaintext.size() + aead_tag_bytes);
    bulk.seal(secret_of(1), counter, plaintext, sealed.data());
    EXPECT_EQ(sealed, sealed_by_libsodium(plaintext, counter));
    bulk.forget();
  }
}

// Whoever has an older program sees no difference, whichever size a frame has.
TEST(BulkAead, FramesOfAllSizesAreThoseOfLibsodiumAcrossRekeys) {
  constexpr std::uint64_t interval = 3;
  SealingKey sealing(FrameKey(secret_of(1), interval));
  OpeningKey opening(FrameKey(secret_of(1), interval));
  Secret<32> key = secret_of(1);
  for (std::uint64_t counter = 0; counter < 3 * std::size(sizes); ++counter) {
    const Bytes plaintext = random_bytes(sizes[counter % std::size(sizes)]);
    Bytes expected(plaintext.size() + aead_tag_bytes);
    aead_seal(key, counter, {}, plaintext, expected.data());
    Bytes sealed(expected.size());
    ASSERT_TRUE(sealing.seal(plaintext, sealed));
    EXPECT_EQ(sealed, expected) << counter;
    const auto opened = opening.open(sealed);
    ASSERT_TRUE(opened) << counter;
    EXPECT_TRUE(std::ranges::equal(*opened, plaintext)) << counter;
    if ((counter + 1) % interval == 0) key = rekeyed(key);
  }
}

}  // namespace
}  // namespace starling::crypto
