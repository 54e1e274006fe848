// The set of votes: exact de-duplication, the void rule, and anti-entropy.

#include "protocol/ledger/ledger_sync.h"

#include <gtest/gtest.h>

#include <set>
#include <span>

#include "protocol/limits.h"
#include "tests/support/effects_view.h"
#include "tests/support/instants.h"
#include "tests/support/overlay_node.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::at;
using testing::sent;
using testing::sent_to;
using testing::test_id;

VotePacket packet_of(std::uint64_t number) {
  return {.packet = number, .step = number, .replica_step = number, .first_probe = 0, .codes = {}};
}

VoteInsertion insert(LedgerSync& ledger, std::size_t author, std::uint64_t number,
                     Bytes bytes = {1, 2, 3}) {
  return ledger.insert(test_id(author), packet_of(number), std::move(bytes));
}

VoteVector vector_of(std::vector<VoteCount> counts) {
  return {.counts = std::move(counts), .wants_reply = false, .digest = {}, .is_probe = false};
}

/// What a neighbour with this ledger would ask: whether ours is the same.
VoteVector probe_of(const LedgerSync& ledger) {
  return {.counts = {}, .wants_reply = true, .digest = ledger.digest(), .is_probe = true};
}

/// Holds one packet and has a neighbour, 9, that it has greeted.
LedgerSync with_packet_and_neighbour() {
  LedgerSync ledger({});
  Effects greeting;
  insert(ledger, 1, 0);
  ledger.neighbour_up(test_id(9), at(0s), greeting);
  return ledger;
}

// --- One machine ---

TEST(LedgerSync, CountsOnlyWhatItHoldsWithoutAGap) {
  LedgerSync ledger({});
  EXPECT_EQ(insert(ledger, 1, 0), VoteInsertion::stored);
  EXPECT_EQ(insert(ledger, 1, 2), VoteInsertion::stored);
  EXPECT_EQ(ledger.version_vector(), (std::vector<VoteCount>{{test_id(1), 1}}));
  EXPECT_EQ(insert(ledger, 1, 1), VoteInsertion::stored);
  EXPECT_EQ(ledger.version_vector(), (std::vector<VoteCount>{{test_id(1), 3}}));
}

TEST(LedgerSync, EndsWithTheSameVectorInAnyOrderWithDuplicates) {
  Rng rng(3);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<std::pair<std::size_t, std::uint64_t>> packets;
    for (std::size_t author = 1; author <= 5; ++author) {
      for (std::uint64_t number = 0; number < 40; ++number) {
        packets.insert(packets.end(), 2, {author, number});
      }
    }
    rng.shuffle(std::span(packets));
    LedgerSync ledger({});
    std::size_t stored = 0;
    for (const auto& [author, number] : packets) {
      stored += insert(ledger, author, number) == VoteInsertion::stored;
    }
    EXPECT_EQ(stored, 200U);
    for (const VoteCount& count : ledger.version_vector()) EXPECT_EQ(count.packets, 40U);
  }
}

TEST(LedgerSync, ReportsAConflictAndKeepsTheFirst) {
  LedgerSync ledger({});
  Effects effects;
  EXPECT_EQ(insert(ledger, 1, 0, {1}), VoteInsertion::stored);
  EXPECT_EQ(insert(ledger, 1, 0, {1}), VoteInsertion::duplicate);
  EXPECT_EQ(insert(ledger, 1, 0, {2}), VoteInsertion::conflict);
  ASSERT_TRUE(ledger.receive(test_id(9), VoteRangeRequest{test_id(1), 0, 1}, effects));
  ASSERT_EQ(sent<VoteRange>(effects).size(), 1U);
  EXPECT_EQ(sent<VoteRange>(effects)[0].packets, (std::vector<Bytes>{{1}}));
}

/// A ledger looks at the author and the number only.
EquivocationProof proof_of(std::size_t author, std::uint64_t number) {
  return {.author = test_id(author), .packet = number, .first = {}, .second = {}};
}

TEST(LedgerSync, VoidsTheProvenPacketAndAllLaterOnesOfItsAuthor) {
  LedgerSync ledger({});
  for (std::uint64_t number = 0; number < 6; ++number) insert(ledger, 1, number);
  insert(ledger, 2, 0);
  const auto voided = ledger.convict(proof_of(1, 3), {7});
  ASSERT_TRUE(voided);
  EXPECT_TRUE(voided->is_complete);
  EXPECT_EQ(voided->packets.size(), 3U);
  EXPECT_EQ(voided->packets.begin()->first, 3U);
  EXPECT_EQ(ledger.version_vector(), (std::vector<VoteCount>{{test_id(1), 3}, {test_id(2), 1}}));
  EXPECT_EQ(insert(ledger, 1, 3), VoteInsertion::voided);
  EXPECT_EQ(insert(ledger, 1, 600), VoteInsertion::voided);
  EXPECT_EQ(insert(ledger, 1, 2), VoteInsertion::duplicate);
  EXPECT_EQ(insert(ledger, 2, 1), VoteInsertion::stored);
}

TEST(LedgerSync, EndsAlikeWhicheverComesFirstThePacketsOrTheProofs) {
  LedgerSync before({});
  EXPECT_TRUE(before.convict(proof_of(1, 4), {7}));
  EXPECT_TRUE(before.convict(proof_of(1, 2), {8}));
  for (std::uint64_t number = 0; number < 6; ++number) insert(before, 1, number);
  LedgerSync after({});
  for (std::uint64_t number = 0; number < 6; ++number) insert(after, 1, number);
  const Digest unproven = after.digest();
  EXPECT_TRUE(after.convict(proof_of(1, 2), {8}));
  EXPECT_FALSE(after.convict(proof_of(1, 4), {7})) << "less than what is known";
  EXPECT_EQ(before.version_vector(), after.version_vector());
  EXPECT_EQ(before.digest(), after.digest());
  EXPECT_NE(after.digest(), unproven);
  EXPECT_EQ(before.convicted(), 1U);
}

TEST(LedgerSync, TellsWhoeverCountsVoidPacketsTheProofAndAsksForNoneOfThem) {
  LedgerSync ledger = with_packet_and_neighbour();
  EXPECT_TRUE(ledger.convict(proof_of(1, 1), {7, 7}));
  Effects effects;
  ASSERT_TRUE(ledger.receive(test_id(9), vector_of({{test_id(1), 5}}), at(0s), effects));
  ASSERT_EQ(sent<VoteRange>(effects).size(), 1U);
  EXPECT_EQ(sent<VoteRange>(effects)[0].packets, (std::vector<Bytes>{{7, 7}}));
  EXPECT_TRUE(sent<VoteRangeRequest>(effects).empty());
  EXPECT_EQ(ledger.packets_missing(), 0U);
  EXPECT_EQ(ledger.told_of(test_id(1)), 1U);
}

TEST(LedgerSync, SaysWhenVoidPacketsWereCountedThatAreNotAtHand) {
  LedgerSync ledger({});
  ledger.adopt({{test_id(1), 10}});
  insert(ledger, 1, 10);
  const auto voided = ledger.convict(proof_of(1, 8), {7});
  ASSERT_TRUE(voided);
  EXPECT_FALSE(voided->is_complete);
  ledger.begin_anew();
  EXPECT_TRUE(ledger.version_vector().empty());
  EXPECT_TRUE(ledger.is_whole());
}

TEST(LedgerSync, ComparesAllOfItsPacketsWithANeighbourInTheEnd) {
  LedgerSync ledger = with_packet_and_neighbour();
  constexpr std::size_t authors = limits::vote_requests_per_peer_max * 2;
  for (std::size_t author = 1; author <= authors; ++author) {
    for (std::uint64_t number = 0; number < 70; ++number) insert(ledger, author, number);
  }
  std::set<std::pair<NodeId, std::uint64_t>> asked;
  for (int call = 0; call < 4; ++call) {
    Effects effects;
    ledger.compare_with(test_id(9), at(limits::vote_sync_interval * call), effects);
    ledger.compare_with(test_id(9), at(limits::vote_sync_interval * call), effects);  // too soon
    const auto requests = sent<VoteRangeRequest>(effects);
    EXPECT_EQ(requests.size(), limits::vote_requests_per_peer_max);
    for (const VoteRangeRequest& request : requests) asked.emplace(request.author, request.first);
  }
  EXPECT_EQ(asked.size(), authors * 2) << "two ranges of each";
}

TEST(LedgerSync, VoidsAPacketByItsOwnStepsAlone) {
  const auto with_steps = [](Step step, Step replica_step) {
    VotePacket packet = packet_of(0);
    packet.step = step;
    packet.replica_step = replica_step;
    return packet;
  };
  EXPECT_FALSE(is_void(with_steps(64, 0), 64));
  EXPECT_TRUE(is_void(with_steps(65, 0), 64));
  EXPECT_FALSE(is_void(with_steps(0, 100), 64));
  EXPECT_FALSE(is_void(with_steps(~Step{0}, ~Step{0}), 64));
  EXPECT_TRUE(is_void(with_steps(~Step{0}, 0), 64));
}

TEST(LedgerSync, RefusesMorePacketsThanTheStepAllows) {
  LedgerSync ledger({});
  VotePacket packet = packet_of(limits::vote_packets_per_step_max);
  packet.step = 0;
  EXPECT_EQ(ledger.insert(test_id(1), packet, {1}), VoteInsertion::too_frequent);
  packet.step = 1;
  EXPECT_EQ(ledger.insert(test_id(1), packet, {1}), VoteInsertion::stored);
}

TEST(LedgerSync, BoundsWhatItHoldsBeyondAGapAndTheNumberOfAuthors) {
  LedgerSync ledger({});
  EXPECT_EQ(insert(ledger, 1, limits::vote_packets_ahead_max), VoteInsertion::stored);
  EXPECT_EQ(insert(ledger, 1, limits::vote_packets_ahead_max + 1), VoteInsertion::too_far_ahead);
  for (std::size_t i = 2; i <= limits::vote_authors_max; ++i) {
    ASSERT_EQ(insert(ledger, i, 0), VoteInsertion::stored);
  }
  EXPECT_EQ(insert(ledger, limits::vote_authors_max + 1, 0), VoteInsertion::too_many_authors);
}

TEST(LedgerSync, AnswersInMessagesBelowTheSizeLimit) {
  LedgerSync ledger({});
  Effects effects;
  for (std::uint64_t i = 0; i < 64; ++i) insert(ledger, 1, i, Bytes(1000));
  ASSERT_TRUE(ledger.receive(test_id(9), VoteRangeRequest{test_id(1), 0, 64}, effects));
  ASSERT_EQ(sent<VoteRange>(effects).size(), 1U);
  const VoteRange answer = sent<VoteRange>(effects)[0];
  std::size_t bytes = 0;
  for (const Bytes& packet : answer.packets) bytes += packet.size();
  EXPECT_GT(bytes, limits::vote_range_bytes_max - 1000);
  EXPECT_LE(bytes, limits::vote_range_bytes_max);
  EXPECT_FALSE(ledger.receive(test_id(9), VoteRangeRequest{test_id(1), 0, 65}, effects));
}

TEST(LedgerSync, CutsALargeVectorIntoMessages) {
  LedgerSync ledger({});
  Effects effects;
  for (std::size_t i = 0; i < 600; ++i) insert(ledger, i, 0);
  ledger.neighbour_up(test_id(1000), at(0s), effects);
  effects.items.clear();
  ASSERT_TRUE(ledger.receive(test_id(1000), probe_of(LedgerSync({})), at(0s), effects));
  const auto vectors = sent<VoteVector>(effects);
  ASSERT_EQ(vectors.size(), 3U);
  EXPECT_EQ(vectors[0].counts.size() + vectors[1].counts.size() + vectors[2].counts.size(), 600U);
  EXPECT_FALSE(vectors[0].wants_reply);
  EXPECT_TRUE(vectors[2].wants_reply);
}

TEST(LedgerSync, AsksANewNeighbourOnlyWhetherItHasTheSame) {
  LedgerSync ledger({});
  Effects effects;
  insert(ledger, 1, 0);
  ledger.neighbour_up(test_id(9), at(0s), effects);
  EXPECT_EQ(sent<VoteVector>(effects), std::vector{probe_of(ledger)});
}

TEST(LedgerSync, AnswersAnEqualProbeWithItsDigestAlone) {
  LedgerSync ledger({});
  LedgerSync same({});
  Effects effects;
  for (std::size_t author = 1; author <= 3; ++author) insert(ledger, author, 0);
  for (std::size_t author = 3; author >= 1; --author) insert(same, author, 0);
  ledger.neighbour_up(test_id(9), at(0s), effects);
  effects.items.clear();
  ASSERT_TRUE(ledger.receive(test_id(9), probe_of(same), at(0s), effects));
  const auto answer = sent<VoteVector>(effects);
  ASSERT_EQ(answer.size(), 1U);
  EXPECT_TRUE(answer[0].counts.empty());
  EXPECT_FALSE(answer[0].wants_reply);
  EXPECT_EQ(answer[0].digest, same.digest());
  EXPECT_TRUE(ledger.agrees_with_neighbours());
}

TEST(LedgerSync, AnswersAnotherProbeWithItsVectorAndAsksForTheOther) {
  LedgerSync ledger = with_packet_and_neighbour();
  Effects effects;
  ASSERT_TRUE(ledger.receive(test_id(9), probe_of(LedgerSync({})), at(0s), effects));
  const auto answer = sent<VoteVector>(effects);
  ASSERT_EQ(answer.size(), 1U);
  EXPECT_EQ(answer[0].counts, (std::vector<VoteCount>{{test_id(1), 1}}));
  EXPECT_TRUE(answer[0].wants_reply);
  EXPECT_FALSE(answer[0].is_probe) << "or the two would ask each other for ever";
}

TEST(LedgerSync, TellsANeighbourOnlyWhatItWasNotToldBefore) {
  LedgerSync ledger({});
  Effects effects;
  const VoteVector other = probe_of(LedgerSync({}));
  insert(ledger, 1, 0);
  insert(ledger, 2, 0);
  ledger.neighbour_up(test_id(9), at(0s), effects);
  ASSERT_TRUE(ledger.receive(test_id(9), other, at(0s), effects));
  insert(ledger, 2, 1);
  effects.items.clear();
  ASSERT_TRUE(ledger.receive(test_id(9), other, at(0s), effects));
  ASSERT_TRUE(ledger.receive(test_id(9), other, at(0s), effects));
  const auto told = sent<VoteVector>(effects);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].counts, (std::vector<VoteCount>{{test_id(2), 2}}));
  EXPECT_TRUE(told[1].counts.empty());
}

// Links come up at one end first: until the other end has spoken it may have refused everything.
TEST(LedgerSync, AnswersTheFirstVectorOfALinkInFull) {
  LedgerSync ledger = with_packet_and_neighbour();
  Effects effects;
  VoteVector asking = vector_of({});
  asking.wants_reply = true;
  ASSERT_TRUE(ledger.receive(test_id(9), asking, at(1s), effects));
  EXPECT_EQ(sent<VoteVector>(effects).at(0).counts, (std::vector<VoteCount>{{test_id(1), 1}}));
}

TEST(LedgerSync, TellsEverythingAgainNowAndThenToOneThatStaysBehind) {
  LedgerSync ledger = with_packet_and_neighbour();
  Effects effects;
  const VoteVector behind = probe_of(LedgerSync({}));
  for (const Duration time : {0s, 1s, 2s, 7s}) {
    ASSERT_TRUE(ledger.receive(test_id(9), behind, at(time), effects));
  }
  std::vector<std::size_t> told;
  for (const VoteVector& vector : sent<VoteVector>(effects)) told.push_back(vector.counts.size());
  EXPECT_EQ(told, (std::vector<std::size_t>{1, 0, 0, 1}));
}

TEST(LedgerSync, AsksAtOnceOnlyTheNeighboursThatDiffer) {
  LedgerSync ledger({});
  Effects effects;
  insert(ledger, 1, 0);
  ledger.neighbour_up(test_id(8), at(0s), effects);
  ledger.neighbour_up(test_id(9), at(0s), effects);
  ASSERT_TRUE(ledger.receive(test_id(8), probe_of(ledger), at(0s), effects));
  effects.items.clear();
  ledger.sync_now(effects);
  const auto asked = sent_to<VoteVector>(effects);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].first, test_id(9));
}

TEST(LedgerSync, AnAdoptedSnapshotCountsAsHeld) {
  LedgerSync ledger({});
  insert(ledger, 1, 7);
  ledger.adopt({{test_id(1), 7}});
  EXPECT_EQ(ledger.version_vector(), (std::vector<VoteCount>{{test_id(1), 8}}));
  EXPECT_EQ(insert(ledger, 1, 3), VoteInsertion::duplicate);
}

TEST(LedgerSync, KeepsItsStoreWithinItsBytes) {
  LedgerSync ledger({});
  const std::size_t size = 8U << 20U;
  for (std::uint64_t i = 0; i < 40; ++i) insert(ledger, 1, i, Bytes(size));
  EXPECT_EQ(ledger.stored_bytes(), limits::vote_store_bytes_max);
  EXPECT_EQ(ledger.version_vector()[0].packets, 40U) << "what was counted stays counted";
  EXPECT_EQ(insert(ledger, 1, 0), VoteInsertion::duplicate);
}

TEST(LedgerSync, AgreesOnlyWhenEveryNeighbourHasTheSameVector) {
  LedgerSync ledger({});
  Effects effects;
  EXPECT_FALSE(ledger.agrees_with_neighbours()) << "alone";
  insert(ledger, 1, 0);
  ledger.neighbour_up(test_id(8), at(0s), effects);
  ledger.neighbour_up(test_id(9), at(0s), effects);
  const VoteVector same = probe_of(ledger);
  ASSERT_TRUE(ledger.receive(test_id(8), same, at(0s), effects));
  EXPECT_FALSE(ledger.agrees_with_neighbours());
  ASSERT_TRUE(ledger.receive(test_id(9), same, at(0s), effects));
  EXPECT_TRUE(ledger.agrees_with_neighbours());
  insert(ledger, 1, 1);
  EXPECT_FALSE(ledger.agrees_with_neighbours());
}

// --- A swarm ---

}  // namespace
}  // namespace starling::protocol
