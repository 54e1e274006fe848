// The compact body of vote packets (docs/WIRE.md).

#include "protocol/wire/wire_votes.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/limits.h"
#include "tests/support/vote_packet_cost.h"

namespace starling::protocol {
namespace {

using testing::frame_bytes_of;
using testing::signed_packet_of;

constexpr std::size_t numbers_at = 1 + 32;  // after the kind and the author

SignedAnnouncement votes(VotePacket packet) {
  NodeId author;
  author.bytes.fill(0xa5);
  return {author, 0, std::move(packet)};
}

/// A body whose four numbers are these bytes, followed by one code.
Bytes body_with_numbers(const Bytes& numbers) {
  Bytes body = encode_announcement(votes({}));
  body.resize(numbers_at);
  body.insert(body.end(), numbers.begin(), numbers.end());
  body.push_back(0x55);
  return body;
}

bool is_bad_encoding(const Bytes& body) {
  const auto decoded = decode_announcement(body);
  return !decoded && decoded.error() == RejectReason::bad_encoding;
}

TEST(VoteBody, IsTheBytesOfItsSpecification) {
  const Bytes body = encode_announcement(votes(
      {.packet = 5, .step = 300, .replica_step = 298, .first_probe = 128, .codes = {0x55, 0x80}}));
  EXPECT_EQ(to_hex(body), "01" + to_hex(Bytes(32, 0xa5)) + "05ac020280015580");
}

TEST(VoteBody, SurvivesARoundTripAtTheEndsOfItsNumbers) {
  constexpr std::uint64_t most = ~std::uint64_t{0};
  for (const std::uint64_t packet : {std::uint64_t{0}, most}) {
    for (const Step step : {Step{0}, Step{127}, Step{128}, most}) {
      for (const Step replica_step : {Step{0}, Step{200}, most}) {
        const auto announcement = votes({packet, step, replica_step, 0xffffffffU, {}});
        const auto decoded = decode_announcement(encode_announcement(announcement));
        ASSERT_TRUE(decoded.has_value()) << step << ' ' << replica_step;
        EXPECT_TRUE(*decoded == announcement) << step << ' ' << replica_step;
      }
    }
  }
}

TEST(VoteBody, HasOneEncodingForEachPacket) {
  ASSERT_FALSE(is_bad_encoding(body_with_numbers({0x7f, 0x80, 0x01, 0, 0})));
  EXPECT_TRUE(is_bad_encoding(body_with_numbers({0xff, 0x00, 0, 0, 0}))) << "127 in two bytes";
  EXPECT_TRUE(is_bad_encoding(body_with_numbers({0x80, 0x80, 0x00, 0, 0, 0}))) << "0 in three";
}

TEST(VoteBody, RefusesNumbersBeyondTheirBits) {
  Bytes most(13);
  std::fill_n(most.begin(), 9, 0xff);
  most[9] = 0x01;
  ASSERT_FALSE(is_bad_encoding(body_with_numbers(most))) << "2^64 - 1";
  most[9] = 0x02;
  EXPECT_TRUE(is_bad_encoding(body_with_numbers(most))) << "2^64 + 2^63 - 1";
  most[9] = 0x81;
  most[10] = 0x01;
  EXPECT_TRUE(is_bad_encoding(body_with_numbers(most))) << "eleven bytes";
  ASSERT_FALSE(is_bad_encoding(body_with_numbers({0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})));
  EXPECT_TRUE(is_bad_encoding(body_with_numbers({0, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x10})))
      << "a probe of 2^32";
}

TEST(VoteBody, RefusesEveryTruncationOfItsNumbers) {
  const Bytes body = body_with_numbers({0x80, 0x01, 0x80, 0x01, 0x80, 0x01, 0x80, 0x01});
  for (std::size_t size = 0; size < body.size() - 1; ++size) {
    EXPECT_TRUE(is_bad_encoding({body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size)}));
  }
}

TEST(VoteBody, BoundsTheCodes) {
  const auto encoded = [](std::size_t codes) {
    return encode_announcement(votes({.codes = Bytes(codes)}));
  };
  EXPECT_TRUE(decode_announcement(encoded(limits::vote_probes_per_packet_max)));
  const auto longer = decode_announcement(encoded(limits::vote_probes_per_packet_max + 1));
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error(), RejectReason::too_large);
}

TEST(VoteBody, CostsAtMostThreeBytesAVoteInASignedPacketOf64) {
  EXPECT_LE(signed_packet_of(64).size(), 3 * 64U);
}

struct HopCost {
  std::size_t votes;
  double gossip_bytes_max;  ///< A vote, on one socket, broadcast.
  double range_bytes_max;   ///< Straight to a neighbour or in answer to a request, alone.
};

TEST(VoteBody, CostsThisMuchAVoteOnEverySocketItPasses) {
  for (const HopCost& cost :
       {HopCost{64, 4.1, 3.7}, HopCost{128, 2.6, 2.4}, HopCost{256, 1.8, 1.7}}) {
    const Bytes packet = signed_packet_of(cost.votes);
    const auto count = static_cast<double>(cost.votes);
    EXPECT_LE(static_cast<double>(frame_bytes_of(Gossip{{}, 1, packet})),
              cost.gossip_bytes_max * count);
    EXPECT_LE(static_cast<double>(frame_bytes_of(VoteRange{{packet}})),
              cost.range_bytes_max * count);
  }
}

}  // namespace
}  // namespace starling::protocol
