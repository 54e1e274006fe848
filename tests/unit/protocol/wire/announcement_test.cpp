#include "protocol/wire/announcement.h"

#include <gtest/gtest.h>

#include "crypto/digest.h"
#include "protocol/limits.h"
#include "protocol/wire/wire.h"
#include "tests/support/random_message.h"

namespace starling::protocol {
namespace {

crypto::SigningKey key_of(std::uint8_t seed) {
  std::array<std::uint8_t, 32> bytes{};
  bytes.fill(seed);
  return crypto::SigningKey::from_seed(crypto::Secret<32>(bytes));
}

RunId run_of(std::uint8_t value) {
  RunId run;
  run.bytes.fill(value);
  return run;
}

const RunId run = run_of(1);

SignedAnnouncement presence_by(const crypto::SigningKey& key) {
  return {key.id(), 3, Presence{"127.0.0.1:4000", 9, 120, true, false}};
}

TEST(Announcement, OpensToWhatItsAuthorSigned) {
  testing::RandomValues random(1);
  const auto key = key_of(1);
  for (std::size_t kind = 0; kind + 1 < std::variant_size_v<Announcement>; ++kind) {
    const SignedAnnouncement announcement{key.id(), 0, random.announcement(kind)};
    // It is signed by the packets in it: equivocation_test.cpp.
    if (std::holds_alternative<EquivocationProof>(announcement.content)) continue;
    const auto opened = open_announcement(sign_announcement(announcement, run, key), run);
    ASSERT_TRUE(opened.has_value()) << "kind " << kind << ": " << name_of(opened.error());
    EXPECT_TRUE(*opened == announcement);
  }
}

TEST(Announcement, AnyFlippedBitIsRejected) {
  Bytes bytes = sign_announcement(presence_by(key_of(1)), run, key_of(1));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(open_announcement(bytes, run).has_value()) << "bit " << bit;
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
  }
}

TEST(Announcement, IsWorthlessInAnotherRun) {
  const Bytes bytes = sign_announcement(presence_by(key_of(1)), run, key_of(1));
  EXPECT_EQ(open_announcement(bytes, run_of(2)).error(), RejectReason::bad_signature);
}

TEST(Announcement, NobodySpeaksForAnother) {
  const Bytes bytes = sign_announcement(presence_by(key_of(1)), run, key_of(2));
  EXPECT_EQ(open_announcement(bytes, run).error(), RejectReason::bad_signature);
}

TEST(Announcement, EveryTruncationIsRejected) {
  const Bytes bytes = sign_announcement(presence_by(key_of(1)), run, key_of(1));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(open_announcement(ByteSpan(bytes).first(size), run).has_value());
  }
}

TEST(Announcement, TheLongestMergeAnnouncementsKeepTheGossipLimit) {
  const auto key = key_of(1);
  const Bytes members(limits::merge_members_max / 8, 0xFF);
  const std::vector<Announcement> longest = {
      MergeCommitment{
          .merge = {}, .digest = {}, .neighbours = std::vector<NodeId>(limits::links_max)},
      MergeResults{.merge = {},
                   .contributors = members,
                   .slices = std::vector<std::uint32_t>(limits::merge_results_max),
                   .digests = std::vector<Digest>(limits::merge_results_max)},
      MergeLinks{.merge = {},
                 .up = std::vector<std::uint16_t>(limits::links_max),
                 .down = std::vector<std::uint16_t>(limits::links_max)},
      MergeRecall{.merge = {},
                  .missing = members,
                  .slices = std::vector<std::uint32_t>(limits::merge_recall_slices_max)}};
  for (const Announcement& content : longest) {
    const Bytes bytes = sign_announcement({key.id(), 0, content}, run, key);
    EXPECT_TRUE(open_announcement(bytes, run)) << content.index() << ": " << bytes.size();
  }
}

TEST(Announcement, ABodyAboveTheGossipLimitIsRejected) {
  const auto key = key_of(1);
  // A presence padded with words that nothing points to, correctly signed.
  Bytes padded = encode_announcement(presence_by(key));
  padded.resize(limits::gossip_bytes_max + 8);
  padded.resize(padded.size() + 64);
  EXPECT_EQ(open_announcement(padded, run).error(), RejectReason::too_large);
}

TEST(Announcement, AnUnknownKindIsVerifiedAndKept) {
  // As a newer version would make it: the same body with another union tag, then signed.
  const auto key = key_of(1);
  Bytes body = encode_announcement({key.id(), 5, MergeClosed{}});
  body[16] = 77;
  Bytes text;
  for (const char c : std::string_view("starling announcement 1")) {
    text.push_back(static_cast<std::uint8_t>(c));
  }
  text.insert(text.end(), run.bytes.begin(), run.bytes.end());
  text.insert(text.end(), body.begin(), body.end());
  const auto signature = key.sign(text);
  body.insert(body.end(), signature.begin(), signature.end());
  const auto opened = open_announcement(body, run);
  ASSERT_TRUE(opened.has_value());
  EXPECT_TRUE(std::holds_alternative<UnknownAnnouncement>(opened->content));
}

TEST(Announcement, ItsNameIsTheFrontOfItsDigest) {
  const Bytes bytes = {1, 2, 3};
  const auto digest = crypto::digest_of(bytes);
  const auto id = broadcast_id_of(bytes);
  EXPECT_TRUE(std::equal(id.begin(), id.end(), digest.bytes.begin()));
}

}  // namespace
}  // namespace starling::protocol
