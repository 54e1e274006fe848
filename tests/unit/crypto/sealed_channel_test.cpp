#include "crypto/sealed_channel.h"

#include <gtest/gtest.h>

#include <limits>

#include "crypto/aead.h"
#include "tests/support/crypto_keys.h"

namespace starling::crypto {
namespace {

constexpr std::uint64_t interval = 4;

Bytes sealed_by(SealingKey& sealing, std::string_view text) {
  Bytes sealed(text.size() + seal_overhead_bytes);
  EXPECT_TRUE(sealing.seal(bytes_of(text), sealed));
  return sealed;
}

/// The text in the frame, or "-" if it was refused.
std::string opened_by(OpeningKey& opening, Bytes sealed) {
  const auto opened = opening.open(sealed);
  return opened ? std::string(opened->begin(), opened->end()) : "-";
}

struct SealedChannel : ::testing::Test {
  SealingKey sealing{FrameKey(secret_of(1), interval)};
  OpeningKey opening{FrameKey(secret_of(1), interval)};
};

TEST(Rekey, MatchesItsTestVector) {  // design paper PROTOCOL.md, section 1
  const Secret<32> key(counting_bytes<32>());
  EXPECT_EQ(to_hex(rekeyed(key).bytes()),
            "50835543a205b22c9323f2022bc4f67d838f90e61d5ccf33c4513e01f85b5042");
}

TEST(Rekey, ReplacesTheKeyAtTheIntervalAndNeverTheCounter) {
  FrameKey key(Secret<32>(counting_bytes<32>()), interval);
  for (std::uint64_t frame = 0; frame < interval; ++frame) {
    EXPECT_EQ(to_hex(key.key().bytes()), to_hex(counting_bytes<32>())) << frame;
    key.advance();
  }
  EXPECT_EQ(to_hex(key.key().bytes()),
            "50835543a205b22c9323f2022bc4f67d838f90e61d5ccf33c4513e01f85b5042");
  EXPECT_EQ(key.next_frame(), interval);
}

TEST(Rekey, FrameAfterItIsSealedWithTheNewKeyAndTheOldCounter) {
  SealingKey sealing(FrameKey(secret_of(1), 1));
  sealed_by(sealing, "first");
  Bytes expected(6 + seal_overhead_bytes);
  aead_seal(rekeyed(secret_of(1)), 1, {}, bytes_of("second"), expected.data());
  EXPECT_EQ(sealed_by(sealing, "second"), expected);
}

TEST_F(SealedChannel, CarriesFramesInOrderAcrossRekeys) {
  for (int frame = 0; frame < 3 * static_cast<int>(interval); ++frame) {
    const std::string text = "frame " + std::to_string(frame);
    EXPECT_EQ(opened_by(opening, sealed_by(sealing, text)), text);
  }
}

TEST_F(SealedChannel, SealsInPlace) {
  Bytes buffer(4 + seal_overhead_bytes);
  std::ranges::copy(bytes_of("text"), buffer.begin());
  ASSERT_TRUE(sealing.seal(ByteSpan(buffer).first(4), buffer));
  EXPECT_EQ(opened_by(opening, buffer), "text");
}

TEST_F(SealedChannel, HidesItsPlaintext) {
  const std::string text(64, 'x');
  const Bytes sealed = sealed_by(sealing, text);
  EXPECT_EQ(std::string(sealed.begin(), sealed.end()).find("xxxx"), std::string::npos);
}

TEST_F(SealedChannel, RefusesARepeatedFrame) {
  const Bytes sealed = sealed_by(sealing, "once");
  EXPECT_EQ(opened_by(opening, sealed), "once");
  EXPECT_EQ(opened_by(opening, sealed), "-");
}

TEST_F(SealedChannel, RefusesFramesOutOfOrder) {
  const Bytes first = sealed_by(sealing, "first");
  const Bytes second = sealed_by(sealing, "second");
  EXPECT_EQ(opened_by(opening, second), "-");
  EXPECT_EQ(opened_by(opening, first), "first");
}

TEST_F(SealedChannel, RefusesAFrameCutAnywhere) {
  const Bytes sealed = sealed_by(sealing, "some text");
  for (std::size_t length = 0; length < sealed.size(); ++length) {
    EXPECT_EQ(opened_by(opening, Bytes(sealed.begin(), sealed.begin() + static_cast<long>(length))),
              "-")
        << length;
  }
  EXPECT_EQ(opened_by(opening, sealed), "some text");
}

TEST_F(SealedChannel, RefusesAnyFlippedBit) {
  const Bytes sealed = sealed_by(sealing, "text");
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes flipped = sealed;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_EQ(opened_by(opening, flipped), "-") << bit;
  }
}

TEST(NonceLimit, LastCounterIsReservedForTheRekey) {
  constexpr std::uint64_t last_frame = std::numeric_limits<std::uint64_t>::max() - 1;
  SealingKey sealing(FrameKey(secret_of(1), 256, last_frame));
  OpeningKey opening(FrameKey(secret_of(1), 256, last_frame));
  Bytes sealed(seal_overhead_bytes);
  ASSERT_TRUE(sealing.seal({}, sealed));
  Bytes another(seal_overhead_bytes);
  EXPECT_EQ(sealing.seal({}, another).error(), SealError::exhausted);
  ASSERT_TRUE(opening.open(sealed));
  EXPECT_EQ(opening.open(another).error(), SealError::exhausted);
}

}  // namespace
}  // namespace starling::crypto
