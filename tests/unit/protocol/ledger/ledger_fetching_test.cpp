// What a ledger asks for, and whom.

#include <gtest/gtest.h>

#include "protocol/ledger/ledger_sync.h"
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

void insert(LedgerSync& ledger, std::size_t author, std::uint64_t number) {
  const VotePacket packet{
      .packet = number, .step = number, .replica_step = number, .first_probe = 0, .codes = {}};
  EXPECT_EQ(ledger.insert(test_id(author), packet, {1, 2, 3}), VoteInsertion::stored);
}

VoteVector vector_of(std::vector<VoteCount> counts) {
  return {.counts = std::move(counts), .wants_reply = false, .digest = {}, .is_probe = false};
}

TEST(LedgerFetching, AsksForExactlyTheFirstGap) {
  LedgerSync ledger({});
  Effects effects;
  insert(ledger, 1, 0);
  insert(ledger, 1, 5);
  ledger.neighbour_up(test_id(9), at(0s), effects);
  ASSERT_TRUE(ledger.receive(test_id(9), vector_of({{test_id(1), 10}}), at(0s), effects));
  const auto asked = sent<VoteRangeRequest>(effects);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].first, 1U);
  EXPECT_EQ(asked[0].count, 4U);
}

TEST(LedgerFetching, DoesNotAskTwoNeighboursForTheSameUnlessTheFirstIsSlow) {
  LedgerSync ledger({});
  Effects effects;
  const VoteVector vector = vector_of({{test_id(1), 10}});
  ledger.neighbour_up(test_id(8), at(0s), effects);
  ledger.neighbour_up(test_id(9), at(0s), effects);
  ASSERT_TRUE(ledger.receive(test_id(8), vector, at(0s), effects));
  ASSERT_TRUE(ledger.receive(test_id(9), vector, at(1s), effects));
  EXPECT_EQ(sent<VoteRangeRequest>(effects).size(), 1U);
  ASSERT_TRUE(ledger.receive(test_id(9), vector, at(limits::vote_request_time_max), effects));
  EXPECT_EQ(sent<VoteRangeRequest>(effects).size(), 2U);
}

TEST(LedgerFetching, WaitsLongerForAPeerWhoseAnswersCameTooLate) {
  LedgerSync ledger({});
  Effects effects;
  const VoteVector vector = vector_of({{test_id(1), 10}});
  ledger.neighbour_up(test_id(9), at(0s), effects);
  // Asked again after 2 and then every 4 s, not every 2 s: a full link would carry all of it.
  for (Duration time = 0s; time <= 30s; time += 1s) {
    ASSERT_TRUE(ledger.receive(test_id(9), vector, at(time), effects));
  }
  EXPECT_EQ(sent<VoteRangeRequest>(effects).size(), 9U);
  EXPECT_TRUE(ledger.is_fetching(at(31s)));
}

TEST(LedgerFetching, DividesWhatItLacksAmongThoseWhoHaveIt) {
  LedgerSync ledger({});
  Effects effects;
  for (const std::size_t peer : {8U, 9U}) ledger.neighbour_up(test_id(peer), at(0s), effects);
  ledger.pause_fetching();  // until both have told
  const VoteVector vector = vector_of({{test_id(1), 10}, {test_id(2), 10}});
  for (const std::size_t peer : {8U, 9U}) {
    ASSERT_TRUE(ledger.receive(test_id(peer), vector, at(0s), effects));
  }
  effects.items.clear();
  ledger.fetch_from(std::nullopt, at(0s), effects);
  const auto asked = sent_to<VoteRangeRequest>(effects);
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_NE(asked[0].first, asked[1].first);
}

TEST(LedgerFetching, CapsTheRequestsToOnePeer) {
  LedgerSync ledger({});
  Effects effects;
  ledger.neighbour_up(test_id(9), at(0s), effects);
  VoteVector vector;
  for (std::size_t i = 100; i < 300; ++i) vector.counts.push_back({test_id(i), ~std::uint64_t{0}});
  ASSERT_TRUE(ledger.receive(test_id(9), vector, at(0s), effects));
  const auto asked = sent<VoteRangeRequest>(effects);
  EXPECT_EQ(asked.size(), limits::vote_requests_per_peer_max);
  for (const auto& request : asked) EXPECT_LE(request.count, limits::vote_request_packets_max);
}

}  // namespace
}  // namespace starling::protocol
