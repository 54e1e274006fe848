// A voter that comes late casts its first vote on the others' model, never on one without their
// votes.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "node/core/trainer.h"
#include "tests/support/instants.h"
#include "tests/support/node_config.h"
#include "tests/support/vote_ledger.h"

namespace starling::node {
namespace {

using namespace std::chrono_literals;
using testing::at;
using testing::CastVotes;

class VoteNewcomer : public ::testing::Test {
 protected:
  VoteNewcomer() {
    vote_.packet.step = 117;
    vote_.packet.replica_step = 117;
    vote_.packet.packet = 0;
    Turn turn(at(0s));
    trainer_->neighbour_up(vote_.author(), turn);
    EXPECT_EQ(hear_vote(at(0s)), 0);
    trainer_->start(0, turn);
    EXPECT_EQ(probes(turn), 0);
  }

  static Config config() {
    Config config = testing::node_config(9, testing::ledger_recipe());
    config.steps_total = 300;
    config.nodes_expected = 2;
    return config;
  }
  static int probes(const Turn& turn) {
    return static_cast<int>(std::ranges::count_if(
        turn.jobs, [](const LearnerJob& job) { return std::holds_alternative<ProbeJob>(job); }));
  }

  /// Returns how many probes begin then.
  int hear_vote(Instant now) {
    Turn turn(now);
    const Bytes bytes = vote_.signed_bytes();
    trainer_->receive(*protocol::open_announcement(bytes, crypto::run_of(1)), Bytes(bytes), turn);
    return probes(turn);
  }
  int tick(Instant now) {
    Turn turn(now);
    trainer_->tick(turn);
    return probes(turn);
  }
  void be_told(std::uint64_t packets, Instant now) {
    Turn turn(now);
    protocol::VoteVector vector;
    vector.counts = {{vote_.author(), packets}};
    trainer_->receive(vote_.author(), std::move(vector), turn);
  }
  /// Returns how many votes are announced.
  std::size_t end_probe(Instant now) {
    Turn turn(now);
    LearnerResult done = ProbeDone{
        .step = 117, .first_probe = 0, .codes = Bytes(testing::ledger_recipe().ledger().probes)};
    trainer_->finished(done, turn);
    return turn.announcements.size();
  }

  CastVotes vote_ = testing::random_votes(1, 5).front();
  Config config_ = config();
  Roll roll_{{.nodes_expected = 2, .patience = 100s, .gone_after = 100s}};
  std::unique_ptr<Trainer> trainer_ = make_trainer(config_, roll_);
};

TEST_F(VoteNewcomer, WaitsForTheFirstNeighbourToTellWhatAllHaveVoted) {
  EXPECT_EQ(tick(at(500ms)), 0);
}

TEST_F(VoteNewcomer, DoesNotWaitForEverForWhatNobodyTells) {
  EXPECT_EQ(tick(at(60s)), 1);
}

TEST_F(VoteNewcomer, CastsNoVoteThatWasBegunJustBeforeItWasTold) {
  ASSERT_EQ(tick(at(60s)), 1);
  be_told(1000, at(60s));
  EXPECT_EQ(end_probe(at(60s)), 0U);
}

TEST_F(VoteNewcomer, CastsTheVoteIfThereWasLittleToTell) {
  ASSERT_EQ(tick(at(60s)), 1);
  be_told(1, at(60s));
  EXPECT_EQ(end_probe(at(60s)), 1U);
}

}  // namespace
}  // namespace starling::node
