// Training that diverges ends with the reason, not with a model of zeros.

#include "node/core/soundness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "node/core/learner.h"
#include "tests/support/crypto_keys.h"

namespace starling::node {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr float infinity = std::numeric_limits<float>::infinity();

/// A parabola that opens downwards: each step leads further away, the faster the further.
class Hill final : public Task {
 public:
  explicit Hill(float curvature) : curvature_(curvature) {}
  std::size_t parameter_count() const override { return 3; }
  void initialize(std::span<float> parameters, std::uint64_t) const override {
    for (float& value : parameters) value = 1.0F;
  }
  double loss(std::span<const float> parameters, const BatchKey&) override {
    double sum = 0;
    for (const float value : parameters) {
      sum -= 0.5 * static_cast<double>(curvature_) * static_cast<double>(value) * value;
    }
    return sum;
  }
  bool has_gradient() const override { return true; }
  double gradient(std::span<const float> parameters, const BatchKey& batch,
                  std::span<float> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = -curvature_ * parameters[i];
    return loss(parameters, batch);
  }
  std::vector<Segment> segments() const override { return {{"head", 0, {1}}, {"tail", 1, {2}}}; }

 private:
  float curvature_;
};

Learner learner(float curvature, const std::string& recipe) {
  auto made = Learner::create({.recipe = *optim::builtin_recipe(recipe),
                               .run = crypto::run_of(1),
                               .self = crypto::node_key(1).id(),
                               .steps_total = 1000},
                              std::make_unique<Hill>(curvature));
  EXPECT_TRUE(made);
  return std::move(*made);
}

/// The message with which training ends within 200 steps, after `first` of them at the earliest.
std::string failure_of(Learner learner) {
  for (Step step = 0; step < 200; ++step) {
    const auto result = learner.run(TrainJob{.first = step, .count = 1});
    if (const auto* failed = std::get_if<LearnerFailed>(&result)) return failed->message;
    for (const float value : learner.parameters()) EXPECT_TRUE(std::isfinite(value));
  }
  return "it went on";
}

TEST(Soundness, OfALossIsThatItIsFinite) {
  EXPECT_EQ(loss_fault(-3.5, 7), std::nullopt);
  for (const double loss : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    EXPECT_THAT(*loss_fault(loss, 7), AllOf(HasSubstr("step 7"), HasSubstr(std::to_string(loss)),
                                            HasSubstr("step_size")));
  }
}

TEST(Soundness, OfParametersNamesTheFirstThatIsNotFiniteByItsSegment) {
  const std::vector<Segment> segments = Hill(1).segments();
  EXPECT_EQ(divergence_fault(std::vector{1.0F, -1e38F, 0.0F}, segments, 7), std::nullopt);
  EXPECT_THAT(*divergence_fault(std::vector{1.0F, 2.0F, std::nanf("")}, segments, 7),
              AllOf(HasSubstr("step 7"), HasSubstr("tail[1]"), HasSubstr("nan")));
  EXPECT_THAT(*divergence_fault(std::vector{infinity, 2.0F, 1.0F}, segments, 7),
              AllOf(HasSubstr("head[0]"), HasSubstr("inf")));
}

TEST(Soundness, OfAContributionIsThatItIsFinite) {
  const std::vector<Segment> segments = Hill(1).segments();
  EXPECT_EQ(merge_fault(std::vector{1e6F, -3e38F, 0.0F}, segments, 7), std::nullopt);
  EXPECT_THAT(
      *merge_fault(std::vector{1.0F, -1e6F, infinity}, segments, 7),
      AllOf(HasSubstr("left out"), HasSubstr("7 steps"), HasSubstr("tail[1]"), HasSubstr("inf")));
  EXPECT_THAT(*merge_fault(std::vector{std::nanf(""), 1.0F, 0.0F}, segments, 7),
              AllOf(HasSubstr("head[0]"), HasSubstr("nan")));
}

TEST(Soundness, OfTrainingEndsBeforeAnythingThatIsNotFiniteIsTaken) {
  EXPECT_THAT(failure_of(learner(0.1F, "gossip")), "it went on");
  EXPECT_THAT(failure_of(learner(1e6F, "gossip")),
              AllOf(HasSubstr("diverged"), HasSubstr("step_size")));
  EXPECT_THAT(failure_of(learner(1e30F, "dsgd")), HasSubstr("diverged"));
}

TEST(Soundness, OfAContributionIsCheckedWhereItIsMade) {
  Learner hill = learner(200.0F, "gossip");
  for (Step step = 0; step < 8; ++step) {
    ASSERT_TRUE(std::holds_alternative<TrainDone>(hill.run(TrainJob{.first = step, .count = 1})));
  }
  ASSERT_GT(hill.parameters()[0], 128.0F);
  EXPECT_FALSE(std::get<ContributeDone>(hill.run(ContributeJob{})).fault) << "large is sound";
  hill.replica()->set_parameters(std::vector{1.0F, std::nanf(""), 0.0F});
  const auto done = std::get<ContributeDone>(hill.run(ContributeJob{}));
  ASSERT_TRUE(done.fault);
  EXPECT_THAT(*done.fault, AllOf(HasSubstr("8 steps"), HasSubstr("tail[0]"), HasSubstr("nan")));
}

}  // namespace
}  // namespace starling::node
