// What votes measure, and what they can train that a gradient cannot.

#include "node/core/vote_oracle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "model/classifier_task.h"
#include "model/synthetic.h"
#include "model/tasks.h"
#include "optim/ledger/vote_code.h"
#include "optim/recipe_fields.h"
#include "protocol/limits.h"
#include "tests/unit/node_core/vote_swarm.h"

namespace starling::node {
namespace {

constexpr std::uint32_t nodes = 4;

optim::Recipe vote_recipe(optim::VoteOracle oracle) {
  optim::Recipe recipe = *optim::builtin_recipe("votes");
  recipe.batch = 64;
  recipe.ledger().oracle = oracle;
  return recipe;
}

Result<std::unique_ptr<Task>> share_of(std::string_view task, std::uint32_t node) {
  return model::make_task(task, {.shard = {{}, nodes, 1}, .node_index = node});
}

/// A task whose gradient is not to be had, as where there is no memory for all activations.
class ForwardOnly final : public Task {
 public:
  explicit ForwardOnly(std::unique_ptr<Task> whole) : whole_(std::move(whole)) {}
  [[nodiscard]] std::size_t parameter_count() const override { return whole_->parameter_count(); }
  void initialize(std::span<float> parameters, std::uint64_t seed) const override {
    whole_->initialize(parameters, seed);
  }
  [[nodiscard]] double loss(std::span<const float> parameters, const BatchKey& batch) override {
    return whole_->loss(parameters, batch);
  }
  [[nodiscard]] bool has_derivatives() const override { return true; }
  double derivatives(std::span<const float> parameters, const BatchKey& batch,
                     const DirectionSource& direction, std::span<double> out) override {
    return whole_->derivatives(parameters, batch, direction, out);
  }

 private:
  std::unique_ptr<Task> whole_;
};

/// The decoded votes of one step on the perceptron's starting point.
std::vector<double> votes_of(optim::VoteOracle oracle, bool has_gradient) {
  const auto make = [&](std::uint32_t node) -> std::unique_ptr<Task> {
    auto task = share_of("clusters", node).value();
    if (has_gradient) return task;
    return std::make_unique<ForwardOnly>(std::move(task));
  };
  optim::Recipe recipe = vote_recipe(oracle);
  recipe.ledger().probe_size = 1e-3;
  test::VoteSwarm swarm(recipe, nodes, 1, make);
  std::vector<double> scalars;
  for (const VoteBatch& batch : swarm.probe(0)) {
    for (const std::uint8_t code : batch.codes) scalars.push_back(optim::decode_vote(code));
  }
  return scalars;
}

TEST(VoteOracle, GradientForwardModeAndDifferencesCastTheSameVotes) {
  const auto by_gradient = votes_of(optim::VoteOracle::derivative, true);
  const auto by_forward_mode = votes_of(optim::VoteOracle::derivative, false);
  const auto by_differences = votes_of(optim::VoteOracle::difference, true);
  ASSERT_EQ(by_gradient.size(), 64U);
  for (std::size_t i = 0; i < by_gradient.size(); ++i) {
    // One level, 12 %, where rounding falls on either side; and the differences' own error.
    EXPECT_NEAR(by_forward_mode[i], by_gradient[i], 0.13 * std::abs(by_gradient[i]));
    EXPECT_NEAR(by_differences[i], by_gradient[i], 0.13 * std::abs(by_gradient[i]) + 0.02);
  }
}

TEST(VoteOracle, ARecipeAsksForNoMoreProbesThanAPacketHolds) {
  EXPECT_EQ(optim::vote_probes_range.highest,
            static_cast<double>(protocol::limits::vote_probes_per_packet_max));
}

TEST(VoteOracle, DerivativesOfATaskWithoutThemAreRefusedWithTheReason) {
  const auto learner =
      Learner::create({.recipe = vote_recipe(optim::VoteOracle::derivative), .run = {}, .self = {}},
                      share_of("clusters-softmax-error", 0).value());
  ASSERT_FALSE(learner);
  EXPECT_THAT(learner.error().message,
              testing::HasSubstr("neither a gradient nor derivatives; use 'difference'"));
}

// No gradient exists: the loss counts wrong answers.
TEST(VoteLearning, TheShareOfErrorsItselfIsTrainedFromZero) {
  optim::Recipe recipe = vote_recipe(optim::VoteOracle::difference);
  recipe.batch = 256;
  recipe.ledger().probe_size = 0.1;
  recipe.ledger().step_size = 2.0;
  test::VoteSwarm swarm(recipe, nodes, 200, [](std::uint32_t node) {
    return share_of("clusters-softmax-error", node).value();
  });
  EXPECT_LT(swarm.quality().accuracy, 0.2);
  swarm.train();
  EXPECT_GT(swarm.quality().accuracy, 0.6);
}

/// Every second sample has its features inverted; the labels stay.
model::SplitDataset shifted_clusters() {
  model::SplitDataset data = model::make_clusters({}, 1);
  for (model::Dataset* part : {&data.train, &data.test}) {
    for (std::size_t i = 0; i < part->features.size(); ++i) {
      const bool is_shifted = i / part->feature_count % 2 == 1;
      if (is_shifted) part->features[i] = 1 - part->features[i];
    }
  }
  return data;
}

/// A perceptron trained by plain gradient steps on the data before the shift.
std::vector<float> first_order_checkpoint() {
  const auto task = share_of("clusters", 0).value();
  std::vector<float> parameters(task->parameter_count());
  task->initialize(parameters, 1);
  std::vector<float> gradient(parameters.size());
  for (std::uint64_t step = 0; step < 2000; ++step) {
    task->gradient(parameters, {1, step, 32}, gradient);
    for (std::size_t i = 0; i < gradient.size(); ++i) parameters[i] -= 0.1F * gradient[i];
  }
  return parameters;
}

/// Accuracies of the checkpoint before and after the shift, and after votes.
struct FineTuning {
  double before = 0;
  double shifted = 0;
  double tuned = 0;
};

FineTuning fine_tune(optim::VoteOracle oracle) {
  const std::vector<float> start = first_order_checkpoint();
  optim::Recipe recipe = vote_recipe(oracle);
  recipe.ledger().probes = 64;
  recipe.ledger().step_size = 1.0;
  const auto make = [](std::uint32_t) { return model::make_mlp_task(shifted_clusters(), {64}); };
  test::VoteSwarm swarm(recipe, nodes, 300, make, start);
  FineTuning result;
  result.before = share_of("clusters", 0).value()->evaluate(start)->accuracy;
  result.shifted = swarm.quality().accuracy;
  swarm.train();
  result.tuned = swarm.quality().accuracy;
  return result;
}

TEST(VoteLearning, VotesAloneRegainHalfOfWhatAShiftOfTheDataCost) {
  for (const auto oracle : {optim::VoteOracle::difference, optim::VoteOracle::derivative}) {
    const auto [before, shifted, tuned] = fine_tune(oracle);
    EXPECT_LT(shifted, before - 0.2);
    EXPECT_GT(tuned, shifted + 0.5 * (before - shifted));
  }
}

}  // namespace
}  // namespace starling::node
