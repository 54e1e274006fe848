#include "protocol/wire/wire.h"

#include <gtest/gtest.h>

#include <bit>

#include "protocol/limits.h"
#include "tests/support/random_message.h"

namespace starling::protocol {
namespace {

using testing::RandomValues;

constexpr std::size_t kinds = std::variant_size_v<Message>;
const std::size_t bulk_kind = Message(Bulk{}).index();

/// One random message of every kind that has an encoding.
std::vector<Message> one_of_each(std::uint64_t seed) {
  RandomValues random(seed);
  std::vector<Message> messages;
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    if (kind != bulk_kind) messages.push_back(random.message(kind));
  }
  return messages;
}

RejectReason rejection_of(ByteSpan bytes) {
  const auto decoded = decode(bytes);
  EXPECT_FALSE(decoded.has_value());
  return decoded ? RejectReason::unexpected : decoded.error();
}

TEST(Wire, EveryMessageSurvivesARoundTrip) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    for (const Message& message : one_of_each(seed)) {
      const auto decoded = decode(encode(message));
      ASSERT_TRUE(decoded.has_value()) << "seed " << seed << " kind " << message.index();
      ASSERT_TRUE(decoded->has_value());
      EXPECT_TRUE(**decoded == message) << "seed " << seed << " kind " << message.index();
    }
  }
}

TEST(Wire, EveryAnnouncementSurvivesARoundTrip) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    RandomValues random(seed);
    for (std::size_t kind = 0; kind + 1 < std::variant_size_v<Announcement>; ++kind) {
      SignedAnnouncement announcement{{}, random.below(1000), random.announcement(kind)};
      if (std::holds_alternative<VotePacket>(announcement.content)) announcement.sequence = 0;
      if (const auto* proof = std::get_if<EquivocationProof>(&announcement.content)) {
        announcement.author = proof->author;
        announcement.sequence = 0;
      }
      const auto decoded = decode_announcement(encode_announcement(announcement));
      ASSERT_TRUE(decoded.has_value()) << "seed " << seed << " kind " << kind;
      EXPECT_TRUE(*decoded == announcement) << "seed " << seed << " kind " << kind;
    }
  }
}

TEST(Wire, APingTakesFourWords) {
  EXPECT_EQ(encode(Ping{7}).size(), 32U);
}

TEST(Wire, ATruncatedMessageIsRejectedOrAnotherValidMessage) {
  // Words cut from the end may hold only default values, so not every truncation is an error; a
  // message whose every part is used must not survive.
  for (const Message& message : one_of_each(1)) {
    const Bytes bytes = encode(message);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto decoded = decode(ByteSpan(bytes).first(size));
      if (size % 8 != 0) {
        ASSERT_FALSE(decoded.has_value());
      }
    }
  }
  const Bytes graft = encode(Graft{{1, 2, 3}});
  for (std::size_t size = 0; size < graft.size(); ++size) {
    EXPECT_EQ(rejection_of(ByteSpan(graft).first(size)), RejectReason::bad_encoding);
  }
}

TEST(Wire, AFlippedBitIsRejectedOrDecodesToAMessageWithinLimits) {
  for (const Message& message : one_of_each(2)) {
    Bytes bytes = encode(message);
    const std::size_t step = bytes.size() > 2000 ? 13 : 1;  // a sample of the long ones
    for (std::size_t bit = 0; bit < bytes.size() * 8; bit += step) {
      bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      const auto decoded = decode(bytes);
      if (decoded && *decoded) {
        EXPECT_LE(encode(**decoded).size(), 4 * bytes.size() + 1024);
      }
      bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    }
  }
}

TEST(Wire, RandomWordsAreNeverFatal) {
  RandomValues random(3);
  for (int i = 0; i < 20'000; ++i) {
    Bytes bytes = random.bytes(8 * random.below(64));
    // Small pointers reach further into the decoder than uniform bytes do.
    for (std::size_t at = 1; at < bytes.size(); at += 1 + random.below(4)) bytes[at] = 0;
    const auto decoded = decode(bytes);
    const auto announcement = decode_announcement(bytes);
    ASSERT_TRUE(decoded || decoded.error() != RejectReason::unexpected);
    ASSERT_TRUE(announcement || announcement.error() != RejectReason::unexpected);
  }
}

TEST(Wire, AnUnknownUnionMemberIsNotAnError) {
  Bytes bytes = encode(Prune{});
  // Word 0 is the root pointer, the union's tag the first 16 bits of the data section after it.
  ASSERT_EQ(bytes[8], 17);
  bytes[8] = 200;
  const auto decoded = decode(bytes);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_FALSE(decoded->has_value());
}

TEST(Wire, AnAnnouncementOfAnUnknownKindKeepsItsAuthor) {
  SignedAnnouncement announcement{{}, 5, MergeClosed{}};
  announcement.author.bytes[0] = 9;
  Bytes bytes = encode_announcement(announcement);
  ASSERT_EQ(bytes[16], 6);  // after the root pointer and the sequence number
  bytes[16] = 77;
  const auto decoded = decode_announcement(bytes);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->author, announcement.author);
  EXPECT_TRUE(std::holds_alternative<UnknownAnnouncement>(decoded->content));
}

TEST(Wire, AnUnknownCloseReasonBecomesUnknown) {
  const auto decoded = decode(encode(Close{static_cast<CloseReason>(99)}));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(std::get<Close>(**decoded).reason, CloseReason::unknown);
}

TEST(Wire, ValuesAboveTheirLimitsAreTooLarge) {
  EXPECT_EQ(rejection_of(encode(Join{{{}, std::string(256, 'a')}})), RejectReason::too_large);
  EXPECT_EQ(rejection_of(encode(ShuffleReply{std::vector<PeerRecord>(9)})),
            RejectReason::too_large);
  EXPECT_EQ(
      rejection_of(encode(IHave{std::vector<BroadcastId>(129), std::vector<std::uint32_t>(129)})),
      RejectReason::too_large);
  EXPECT_EQ(rejection_of(encode(VoteRange{{Bytes(limits::gossip_bytes_max + 1)}})),
            RejectReason::too_large);
  EXPECT_EQ(rejection_of(encode(Gossip{{}, 0, Bytes(limits::gossip_bytes_max + 1)})),
            RejectReason::too_large);
  EXPECT_EQ(rejection_of(encode(Gossip{{}, 0, Bytes(limits::control_bytes_max)})),
            RejectReason::too_large);
}

TEST(Wire, AnIdOfTheWrongLengthIsABadEncoding) {
  Bytes bytes = encode(Graft{{1, 2, 3}});
  // The last three words: the pointer to the id (a list of 16 bytes) and the id.
  const std::size_t length_at = bytes.size() - 24 + 4;
  ASSERT_EQ(bytes[length_at], 16U << 3U | 2U);
  bytes[length_at] = 15U << 3U | 2U;
  EXPECT_EQ(rejection_of(bytes), RejectReason::bad_encoding);
}

TEST(Wire, ManyPointersToTheSameBytesRunIntoTheTraversalLimit) {
  // A list of packets that all share one body of 4,000 bytes: 100 of them would become 400 KB.
  Bytes bytes = encode(VoteRange{std::vector<Bytes>(100)});
  Bytes packet(4000, 0x55);
  const std::size_t body_word = bytes.size() / 8;
  bytes.insert(bytes.end(), packet.begin(), packet.end());
  const std::size_t first_pointer_word = body_word - 100;
  for (std::size_t word = first_pointer_word; word < body_word; ++word) {
    const std::uint64_t offset = body_word - word - 1;
    const std::uint64_t pointer = std::uint64_t{4000U << 3U | 2U} << 32U | offset << 2U | 1U;
    for (std::size_t i = 0; i < 8; ++i) {
      bytes[word * 8 + i] = static_cast<std::uint8_t>(pointer >> (8 * i));
    }
  }
  EXPECT_EQ(rejection_of(bytes), RejectReason::bad_encoding);
}

}  // namespace
}  // namespace starling::protocol
