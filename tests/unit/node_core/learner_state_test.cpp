// A learner's state goes to the disk, or to a joiner, and comes back.

#include <gtest/gtest.h>

#include <span>
#include <vector>

#include "tests/support/vote_ledger.h"

namespace starling::node {
namespace {

using testing::CastVotes;

void apply(std::span<const CastVotes> votes, Learner& learner) {
  ApplyVotesJob apply;
  for (const CastVotes& vote : votes) {
    const protocol::VotePacket& packet = vote.packet;
    apply.batches.push_back({vote.author(), packet.step, packet.first_probe, packet.codes});
  }
  static_cast<void>(learner.run(std::move(apply)));
}

SaveStateDone saved(Learner& learner) {
  return std::get<SaveStateDone>(learner.run(SaveStateJob{}));
}

LoadStateDone load(Bytes state, Learner& learner) {
  return std::get<LoadStateDone>(learner.run(LoadStateJob{std::move(state)}));
}

TEST(LearnerState, OfVotesIsGoneOnFrom) {
  const auto votes = testing::random_votes(60, 1);
  Learner first = testing::ledger_learner();
  apply(std::span(votes).first(40), first);
  Learner second = testing::ledger_learner();
  EXPECT_FALSE(load(saved(first).state, second).error);
  apply(std::span(votes).subspan(40), second);
  EXPECT_EQ(crypto::digest_of(second.fixed_point()), testing::sum_of(votes));
}

TEST(LearnerState, OfAnotherSizeIsRefusedAndNothingIsChanged) {
  Learner learner = testing::ledger_learner();
  const SaveStateDone before = saved(learner);
  SavedState state = *decode_saved_state(before.state);
  std::get<LedgerState>(state.values).grid.pop_back();
  const LoadStateDone done = load(encode_saved_state(state), learner);
  EXPECT_EQ(done.error, "the state has 199 parameters, the task has 200");
  EXPECT_EQ(saved(learner).digest, before.digest);
}

TEST(LearnerState, OfAnotherRecipeIsRefused) {
  Learner learner = testing::ledger_learner();
  SavedState state = *decode_saved_state(saved(learner).state);
  state.recipe += "# another\n";
  EXPECT_EQ(load(encode_saved_state(state), learner).error,
            "the state was saved under another recipe");
}

}  // namespace
}  // namespace starling::node
