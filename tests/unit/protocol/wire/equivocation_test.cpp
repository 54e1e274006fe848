// Proofs that an author signed two packets under one number.

#include <gtest/gtest.h>

#include <utility>

#include "protocol/wire/announcement.h"
#include "tests/support/crypto_keys.h"

namespace starling::protocol {
namespace {

const RunId run = crypto::run_of(1);

Bytes signed_packet(std::uint8_t key, VotePacket packet) {
  SignedAnnouncement announcement;
  announcement.author = crypto::node_key(key).id();
  announcement.content = std::move(packet);
  return sign_announcement(announcement, run, crypto::node_key(key));
}

VotePacket packet_of(std::uint64_t number, std::uint8_t code) {
  return {
      .packet = number, .step = number, .replica_step = number, .first_probe = 0, .codes = {code}};
}

Bytes bytes_of(const EquivocationProof& proof) {
  return sign_announcement({proof.author, 0, proof}, run, crypto::node_key(9));
}

/// The same content under another signature, good or not.
Bytes signed_otherwise(const Bytes& packet) {
  Bytes other(packet.begin(), packet.end() - 1);
  other.push_back(packet.back() ^ 1U);
  return other;
}

class EquivocationProofs : public ::testing::Test {
 protected:
  Bytes one_ = signed_packet(1, packet_of(5, 1));
  Bytes other_ = signed_packet(1, packet_of(5, 2));
};

TEST_F(EquivocationProofs, OpenForEveryoneWithoutASignatureOfTheirOwn) {
  const auto proof = prove_equivocation(one_, other_);
  ASSERT_TRUE(proof);
  EXPECT_EQ(proof->author, crypto::node_key(1).id());
  EXPECT_EQ(proof->packet, 5U);
  const auto opened = open_announcement(bytes_of(*proof), run);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->author, proof->author);
  EXPECT_EQ(std::get<EquivocationProof>(opened->content), *proof);
}

TEST_F(EquivocationProofs, AreTheSameBytesWhicheverPacketWasSeenFirst) {
  EXPECT_EQ(bytes_of(*prove_equivocation(one_, other_)),
            bytes_of(*prove_equivocation(other_, one_)));
}

TEST_F(EquivocationProofs, NeedTwoContentsOfOneAuthorAndNumber) {
  EXPECT_FALSE(prove_equivocation(one_, one_));
  EXPECT_FALSE(prove_equivocation(one_, signed_packet(1, packet_of(6, 2))));
  EXPECT_FALSE(prove_equivocation(one_, signed_packet(2, packet_of(5, 2))));
  EXPECT_FALSE(prove_equivocation(one_, signed_otherwise(one_))) << "only the signatures differ";
}

TEST_F(EquivocationProofs, AreRefusedIfEitherPacketIsForged) {
  for (const auto& [one, other] :
       {std::pair(signed_otherwise(one_), other_), std::pair(one_, signed_otherwise(other_))}) {
    const auto proof = prove_equivocation(one, other);
    ASSERT_TRUE(proof);
    EXPECT_EQ(open_announcement(bytes_of(*proof), run).error(), RejectReason::bad_signature);
  }
}

TEST_F(EquivocationProofs, AreRefusedInAnotherRun) {
  const Bytes bytes = bytes_of(*prove_equivocation(one_, other_));
  EXPECT_EQ(open_announcement(bytes, crypto::run_of(2)).error(), RejectReason::bad_signature);
}

TEST_F(EquivocationProofs, AreRefusedCutShortOrWithAnyBitFlipped) {
  Bytes bytes = bytes_of(*prove_equivocation(one_, other_));
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    EXPECT_FALSE(open_announcement(ByteSpan(bytes).first(size), run)) << "size " << size;
  }
  for (std::size_t bit = 8; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(open_announcement(bytes, run)) << "bit " << bit;
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
  }
}

}  // namespace
}  // namespace starling::protocol
