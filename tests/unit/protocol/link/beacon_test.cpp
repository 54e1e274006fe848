#include "protocol/link/beacon.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace starling::protocol {
namespace {

constexpr UnixSeconds now{1'800'000'000};

template <class Id>
Id id_of(std::uint8_t value) {
  Id id;
  id.bytes.fill(value);
  return id;
}

BeaconNonce nonce_of(std::uint64_t value) {
  BeaconNonce nonce{};
  for (std::size_t i = 0; i < sizeof value; ++i)
    nonce[i] = static_cast<std::uint8_t>(value >> (8 * i));
  nonce.back() = 1;
  return nonce;
}

Beacon query(std::uint64_t nonce = 1) {
  return {.nonce = nonce_of(nonce),
          .kind = BeaconKind::query,
          .sent_at = now,
          .port = 4747,
          .sender = id_of<NodeId>(7)};
}

Beacon answer_to(const Beacon& asked) {
  Beacon answer = query(99);
  answer.kind = BeaconKind::answer;
  answer.answered = asked.nonce;
  return answer;
}

crypto::Secret<32> key_of_run(std::uint8_t run) {
  return beacon_key(id_of<RunId>(run), std::nullopt);
}

TEST(Beacon, IsReadByWhoeverKnowsTheRun) {
  for (const Beacon& sent : {query(), answer_to(query())}) {
    const auto datagram = seal_beacon(key_of_run(1), sent);
    EXPECT_EQ(open_beacon(key_of_run(1), datagram), sent);
  }
}

TEST(Beacon, OfAnotherRunIsNotRecognised) {
  EXPECT_FALSE(open_beacon(key_of_run(2), seal_beacon(key_of_run(1), query())));
}

TEST(Beacon, OfAPrivateRunNeedsTheTicketsSecretBesideTheRunId) {
  const RunId run = id_of<RunId>(1);
  const auto secret_key = beacon_key(run, crypto::Secret<32>(id_of<Digest>(5).bytes));
  const auto datagram = seal_beacon(secret_key, query());
  EXPECT_TRUE(open_beacon(secret_key, datagram));
  EXPECT_FALSE(open_beacon(beacon_key(run, std::nullopt), datagram));
  EXPECT_FALSE(open_beacon(beacon_key(run, crypto::Secret<32>(id_of<Digest>(6).bytes)), datagram));
}

TEST(Beacon, SaysNeitherWhoSentItNorInWhichRun) {
  Beacon sent = query();
  const auto first = seal_beacon(key_of_run(1), sent);
  EXPECT_EQ(std::ranges::search(first, sent.sender.bytes).begin(), first.end());
  sent.nonce = nonce_of(2);
  const auto second = seal_beacon(key_of_run(1), sent);
  // No byte behind the nonces has to be equal; of 76 random ones 12 equal ones are one in 10^15.
  std::size_t equal = 0;
  for (std::size_t i = sizeof(BeaconNonce); i < beacon_bytes; ++i) equal += first[i] == second[i];
  EXPECT_LT(equal, 12U);
}

TEST(Beacon, IsVoidWithAnyBitFlipped) {
  const auto datagram = seal_beacon(key_of_run(1), query());
  for (std::size_t bit = 0; bit < datagram.size() * 8; ++bit) {
    auto flipped = datagram;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(open_beacon(key_of_run(1), flipped)) << "bit " << bit;
  }
}

TEST(Beacon, IsVoidWithAnyOtherLength) {
  const auto datagram = seal_beacon(key_of_run(1), query());
  std::vector<std::uint8_t> bytes(datagram.begin(), datagram.end());
  bytes.push_back(0);
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    const bool is_read = open_beacon(key_of_run(1), ByteSpan(bytes).first(length)).has_value();
    EXPECT_EQ(is_read, length == beacon_bytes) << length;
  }
}

TEST(Beacon, OfAnotherVersionOrKindIsVoidThoughItsSealIsGood) {
  const BeaconContent good = encode_beacon(query());
  ASSERT_TRUE(decode_beacon(query().nonce, good));
  for (const std::size_t place : {0, 1}) {
    BeaconContent other = good;
    other[place] = 9;
    EXPECT_FALSE(decode_beacon(query().nonce, other)) << place;
  }
}

TEST(Beacon, AnswersExactlyIfItNamesAQuery) {
  Beacon query_that_answers = query();
  query_that_answers.answered = nonce_of(3);
  Beacon answer_to_nothing = answer_to(query());
  answer_to_nothing.answered = {};
  for (const Beacon& beacon : {query_that_answers, answer_to_nothing}) {
    EXPECT_FALSE(decode_beacon(beacon.nonce, encode_beacon(beacon)));
  }
}

class BeaconJudgement : public ::testing::Test {
 protected:
  BeaconJudge judge_{id_of<NodeId>(1)};
};

TEST_F(BeaconJudgement, BelievesAQueryOnce) {
  EXPECT_EQ(judge_.judge(query(), now), BeaconVerdict::believed);
  EXPECT_EQ(judge_.judge(query(), now), BeaconVerdict::ignored);
  EXPECT_EQ(judge_.judge(query(2), now), BeaconVerdict::believed);
}

TEST_F(BeaconJudgement, BelievesNoQueryThatSomebodyRecordedAnHourAgo) {
  const UnixSeconds later{now.value + 3601};
  const UnixSeconds earlier{now.value - 3601};
  EXPECT_EQ(judge_.judge(query(1), later), BeaconVerdict::other_clock);
  EXPECT_EQ(judge_.judge(query(2), earlier), BeaconVerdict::other_clock);
  EXPECT_EQ(judge_.judge(query(3), UnixSeconds{now.value + 3600}), BeaconVerdict::believed);
}

TEST_F(BeaconJudgement, BelievesAnswersToItsOwnQueriesAlone) {
  EXPECT_EQ(judge_.judge(answer_to(query()), now), BeaconVerdict::ignored);
  judge_.asked(query().nonce);
  EXPECT_EQ(judge_.judge(answer_to(query()), now), BeaconVerdict::believed);
  EXPECT_EQ(judge_.judge(answer_to(query(2)), now), BeaconVerdict::ignored);
}

TEST_F(BeaconJudgement, BelievesAnswersWhateverTheClocksSay) {
  judge_.asked(query().nonce);
  EXPECT_EQ(judge_.judge(answer_to(query()), UnixSeconds{0}), BeaconVerdict::believed);
}

TEST_F(BeaconJudgement, ForgetsTheOldestOfItsOwnQueries) {
  for (std::uint64_t i = 0; i <= limits::beacon_queries_kept; ++i) judge_.asked(nonce_of(i));
  EXPECT_EQ(judge_.judge(answer_to(query(0)), now), BeaconVerdict::ignored);
  EXPECT_EQ(judge_.judge(answer_to(query(1)), now), BeaconVerdict::believed);
}

TEST_F(BeaconJudgement, IgnoresItself) {
  Beacon own = query();
  own.sender = id_of<NodeId>(1);
  EXPECT_EQ(judge_.judge(own, now), BeaconVerdict::ignored);
}

}  // namespace
}  // namespace starling::protocol
