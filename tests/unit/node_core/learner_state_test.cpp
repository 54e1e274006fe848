// A learner's state goes to the disk, or to a joiner, and comes back.

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <vector>

#include "protocol/merge/slice_plan.h"
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

LoadStateDone load(protocol::SharedBytes state, Learner& learner) {
  return std::get<LoadStateDone>(learner.run(LoadStateJob{std::move(state)}));
}

TEST(LearnerState, OfVotesIsGoneOnFrom) {
  const auto votes = testing::random_votes(60, 1);
  Learner first = testing::ledger_learner();
  apply(std::span(votes).first(40), first);
  Learner second = testing::ledger_learner();
  EXPECT_FALSE(load(saved(first).state, second).error);
  apply(std::span(votes).subspan(40), second);
  EXPECT_EQ(crypto::digest_of(second.model_bytes()), testing::sum_of(votes));
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

/// f(x) = |x - 1|^2 / 2 of a thousand parameters.
class Bowl final : public Task {
 public:
  std::size_t parameter_count() const override { return 1000; }
  double loss(std::span<const float>, const BatchKey&) override { return 1; }
  bool has_gradient() const override { return true; }
  double gradient(std::span<const float> x, const BatchKey&, std::span<float> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = x[i] - 1.0F;
    return 1;
  }
};

Learner first_order_learner() {
  auto made = Learner::create(
      {.recipe = *optim::builtin_recipe("gossip"), .run = {}, .self = {}, .steps_total = 100},
      std::make_unique<Bowl>());
  STARLING_CHECK(made.has_value());
  return std::move(*made);
}

TEST(LearnerState, GoesToTheDiskAsItGoesToAJoiner) {
  Learner learner = first_order_learner();
  static_cast<void>(learner.run(TrainJob{.first = 0, .count = 3}));
  Bytes written;
  const Step step = learner.write_state(
      [&](ByteSpan piece) { written.insert(written.end(), piece.begin(), piece.end()); });
  EXPECT_EQ(step, 3U);
  EXPECT_EQ(saved(learner).state, written);
  Learner other = first_order_learner();
  EXPECT_EQ(load(written, other).step, 3U);
  EXPECT_TRUE(std::ranges::equal(other.model_bytes(), learner.model_bytes()));
}

TEST(LearnerState, IsReadWhereverItLies) {
  Learner learner = first_order_learner();
  static_cast<void>(learner.run(TrainJob{.first = 0, .count = 3}));
  const protocol::SharedBytes state = saved(learner).state;
  Bytes shifted{0};
  shifted.insert(shifted.end(), state.begin(), state.end());
  Learner other = first_order_learner();
  EXPECT_FALSE(load(protocol::SharedBytes(shifted).from(1), other).error);
  EXPECT_TRUE(std::ranges::equal(other.model_bytes(), learner.model_bytes()));
}

TEST(LearnerState, TheDigestOfAnEvaluationIsThatOfTheWholeVector) {
  Learner learner = first_order_learner();
  const auto done = std::get<EvaluateDone>(learner.run(EvaluateJob{}));
  EXPECT_EQ(done.model, protocol::digest_by_slices(learner.model_bytes()));
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
