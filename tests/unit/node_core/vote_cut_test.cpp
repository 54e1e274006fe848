#include "node/core/vote_cut.h"

#include <gtest/gtest.h>

#include "tests/support/vote_ledger.h"

namespace starling::node {
namespace {

using testing::CastVotes;

class VoteCutTest : public ::testing::Test {
 protected:
  void insert(const CastVotes& vote) {
    EXPECT_EQ(ledger_.insert(vote.author(), vote.packet, vote.signed_bytes()),
              protocol::VoteInsertion::stored);
  }

  [[nodiscard]] VoteCut cut(Step step, std::vector<protocol::VoteCount> known = {}) const {
    return cut_before({step, testing::ledger_recipe().ledger().window_steps, std::move(known)},
                      ledger_);
  }

  protocol::LedgerSync ledger_{{}};
  const std::vector<CastVotes> votes_ = testing::random_votes(30, 1);  // ten steps of three authors
};

TEST_F(VoteCutTest, ContainsTheStepsBelowAndNamesTheRest) {
  for (const CastVotes& vote : votes_) insert(vote);
  const VoteCut at_four = cut(4);
  ASSERT_EQ(at_four.packets.size(), 3U);
  for (const protocol::VoteCount& count : at_four.packets) EXPECT_EQ(count.packets, 4U);
  EXPECT_EQ(at_four.without.size(), 18U);
  for (const VoteBatch& batch : at_four.without) EXPECT_GE(batch.step, 4U);
  EXPECT_EQ(cut(7, at_four.packets).packets, cut(7).packets);  // with or without an earlier one
}

TEST_F(VoteCutTest, LeavesOutWhatLiesBeyondAGap) {
  for (std::size_t i = 0; i < votes_.size(); ++i) {
    if (i != 6) insert(votes_[i]);  // packet 2 of the first author is missing
  }
  const VoteCut at_four = cut(4);
  for (const protocol::VoteCount& count : at_four.packets) {
    EXPECT_EQ(count.packets, count.author == votes_[0].author() ? 2U : 4U);
  }
  EXPECT_EQ(at_four.without.size(), 19U);  // packet 3 too
}

TEST_F(VoteCutTest, ContainsVoidPacketsWithoutVotes) {
  CastVotes late = votes_.front();
  late.packet.step = testing::ledger_recipe().ledger().window_steps + 1;
  insert(late);
  EXPECT_EQ(cut(late.packet.step + 1).packets.size(), 1U);
  EXPECT_TRUE(cut(late.packet.step).packets.empty());
  EXPECT_TRUE(cut(late.packet.step).without.empty());
}

}  // namespace
}  // namespace starling::node
