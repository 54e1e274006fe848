#include "node/core/divergence.h"

#include <gtest/gtest.h>

#include "tests/support/crypto_keys.h"
#include "tests/support/node_config.h"

namespace starling::node {
namespace {

using protocol::CutDigest;
using protocol::CutParts;

NodeId peer_of(std::uint8_t number) {
  return crypto::node_key(number).id();
}

/// A detector with an interval of 10 steps, two neighbours, and votes of steps 0 to 17: the cut of
/// step 10 can be taken. No learner: the tests answer its jobs.
class DivergenceTest : public ::testing::Test {
 protected:
  DivergenceTest() : config_(config()), ledger_({}), divergence_(config_, ledger_) {
    divergence_.neighbour_up(peer_of(2), turn_);
    divergence_.neighbour_up(peer_of(3), turn_);
    for (Step step = 0; step < 18; ++step) count(step);
  }

  static Config config() {
    Config config = testing::node_config(1, *optim::builtin_recipe("votes"));
    config.recipe.ledger().digest_interval = 10;
    config.parameter_count = 10'000;
    config.segments = {{"weight", 0, {4000}}, {"bias", 4000, {6000}}};
    return config;
  }

  void count(Step step) {
    divergence_.counted(Bytes{static_cast<std::uint8_t>(step)},
                        {.author = peer_of(2), .step = step, .first_probe = 0, .codes = {}});
  }

  /// The only job of its kind that was asked for since the last call.
  template <class Job>
  std::optional<Job> take_job() {
    std::optional<Job> found;
    for (LearnerJob& job : turn_.jobs) {
      if (auto* of_kind = std::get_if<Job>(&job)) found = std::move(*of_kind);
    }
    turn_.jobs.clear();
    return found;
  }

  template <class Kind>
  std::vector<Kind> take_events() {
    std::vector<Kind> found;
    for (const Event& event : turn_.events) {
      if (const auto* of_kind = std::get_if<Kind>(&event)) found.push_back(*of_kind);
    }
    turn_.events.clear();
    return found;
  }

  /// Takes the cut of `step` with a model of three parts; what was told to neighbours.
  CutDigest take_cut(Step step) {
    divergence_.proceed(step + 8, turn_);
    EXPECT_TRUE(take_job<CutDigestJob>());
    turn_.effects.items.clear();
    divergence_.finished(CutDigestDone{step, Digest{{1}}, {1, 2, 3}}, turn_);
    CutDigest told;
    for (const protocol::Effect& effect : turn_.effects.items) {
      const auto* send = std::get_if<protocol::SendTo>(&effect);
      if (const auto* cut = std::get_if<CutDigest>(&send->message)) told = *cut;
    }
    return told;
  }

  /// The neighbour holds the same votes and another model.
  void deny(const NodeId& peer, CutDigest cut) {
    cut.model = Digest{{9}};
    divergence_.receive(peer, cut, turn_);
  }

  Config config_;
  protocol::LedgerSync ledger_;
  Divergence divergence_;
  Turn turn_{Instant{}};
};

TEST_F(DivergenceTest, TakesOutTheVotesOfTheCutAndLater) {
  divergence_.proceed(17, turn_);
  EXPECT_FALSE(take_job<CutDigestJob>());
  divergence_.proceed(18, turn_);
  const auto job = take_job<CutDigestJob>();
  ASSERT_TRUE(job);
  EXPECT_EQ(job->step, 10U);
  ASSERT_EQ(job->newer.size(), 8U);
  EXPECT_EQ(job->newer.front().step, 10U);
}

TEST_F(DivergenceTest, NamesTheSetOfVotesBelowTheCut) {
  EXPECT_EQ(take_cut(10).packets, 10U);
}

TEST_F(DivergenceTest, RemembersThatANeighbourAgreed) {
  divergence_.receive(peer_of(2), take_cut(10), turn_);
  NodeStatus status;
  divergence_.fill(status);
  EXPECT_EQ(status.agreed_step, 10U);
  EXPECT_TRUE(turn_.events.empty());
}

TEST_F(DivergenceTest, ReportsBothDigestsAndRebuilds) {
  deny(peer_of(2), take_cut(10));
  const auto diverged = take_events<Diverged>();
  ASSERT_EQ(diverged.size(), 1U);
  EXPECT_EQ(diverged[0].peer, peer_of(2));
  EXPECT_EQ(diverged[0].own, Digest{{1}});
  EXPECT_EQ(diverged[0].theirs, Digest{{9}});
  EXPECT_TRUE(take_job<RebuildJob>());
  EXPECT_TRUE(divergence_.rebuilding());
}

TEST_F(DivergenceTest, NamesTheSegmentsInWhichItWasWrong) {
  deny(peer_of(2), take_cut(10));
  divergence_.finished(RebuildDone{{{3999, 4001}}}, turn_);
  const auto located = take_events<DivergenceLocated>();
  ASSERT_EQ(located.size(), 1U);
  EXPECT_EQ(located[0].node, peer_of(1));
  ASSERT_EQ(located[0].ranges.size(), 2U);
  EXPECT_EQ(located[0].ranges[0].segment, "weight");
  EXPECT_EQ(located[0].ranges[0].first, 3999U);
  EXPECT_EQ(located[0].ranges[1].segment, "bias");
  EXPECT_EQ(located[0].ranges[1].end, 1U);
  EXPECT_FALSE(divergence_.rebuilding());
}

TEST_F(DivergenceTest, NamesThePartsInWhichTheNeighbourIsWrong) {
  const CutDigest own = take_cut(10);
  deny(peer_of(2), own);
  divergence_.finished(RebuildDone{}, turn_);
  EXPECT_TRUE(take_events<DivergenceLocated>().empty());
  divergence_.receive(peer_of(2), CutParts{10, own.votes, {1, 2, 4}}, turn_);
  const auto located = take_events<DivergenceLocated>();
  ASSERT_EQ(located.size(), 1U);
  EXPECT_EQ(located[0].node, peer_of(2));
  ASSERT_EQ(located[0].ranges.size(), 1U);
  EXPECT_EQ(located[0].ranges[0].segment, "bias");
  EXPECT_EQ(located[0].ranges[0].first, 8192U - 4000U);
  EXPECT_EQ(located[0].ranges[0].end, 6000U);
}

TEST_F(DivergenceTest, ReportsANeighbourThatNeverSaysWhereItDiffers) {
  deny(peer_of(2), take_cut(10));
  divergence_.finished(RebuildDone{}, turn_);
  for (Step step = 18; step < 28; ++step) count(step);
  static_cast<void>(take_cut(20));
  const auto located = take_events<DivergenceLocated>();
  ASSERT_EQ(located.size(), 1U);
  EXPECT_EQ(located[0].node, peer_of(2));
  EXPECT_TRUE(located[0].ranges.empty());
}

TEST_F(DivergenceTest, ALyingNeighbourCostsOneRebuild) {
  deny(peer_of(2), take_cut(10));
  EXPECT_TRUE(take_job<RebuildJob>());
  divergence_.finished(RebuildDone{}, turn_);
  for (Step step = 18; step < 28; ++step) count(step);
  deny(peer_of(2), take_cut(20));
  EXPECT_FALSE(take_job<RebuildJob>());
}

TEST_F(DivergenceTest, ANeighbourThatAgreesIsBelievedAgain) {
  deny(peer_of(2), take_cut(10));
  divergence_.finished(RebuildDone{}, turn_);
  for (Step step = 18; step < 28; ++step) count(step);
  divergence_.receive(peer_of(2), take_cut(20), turn_);
  for (Step step = 28; step < 38; ++step) count(step);
  const CutDigest cut = take_cut(30);
  turn_.jobs.clear();
  deny(peer_of(2), cut);
  EXPECT_TRUE(take_job<RebuildJob>());
}

TEST_F(DivergenceTest, ASecondNeighbourThatDiffersAtTheCutCausesNoSecondRebuild) {
  const CutDigest own = take_cut(10);
  deny(peer_of(2), own);
  EXPECT_TRUE(take_job<RebuildJob>());
  deny(peer_of(3), own);
  EXPECT_FALSE(take_job<RebuildJob>());
  NodeStatus status;
  divergence_.fill(status);
  EXPECT_EQ(status.divergences, 2U);
}

TEST_F(DivergenceTest, BlamesANeighbourThatSendsAnotherNumberOfParts) {
  const CutDigest own = take_cut(10);
  divergence_.receive(peer_of(2), CutParts{10, own.votes, {1}}, turn_);
  ASSERT_EQ(turn_.misconduct.size(), 1U);
  EXPECT_EQ(turn_.misconduct[0].first, peer_of(2));
}

}  // namespace
}  // namespace starling::node
