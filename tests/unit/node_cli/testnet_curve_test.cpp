#include "node/cli/testnet_curve.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "node/runtime/evaluated_models.h"
#include "tests/unit/node_runtime/temporary_directory.h"

namespace starling::cli {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// One parameter, which is the accuracy.
class OneParameterTask final : public Task {
 public:
  [[nodiscard]] std::size_t parameter_count() const override { return 1; }
  [[nodiscard]] double loss(std::span<const float>, const BatchKey&) override { return 0; }
  [[nodiscard]] std::optional<Evaluation> evaluate(std::span<const float> parameters) override {
    return Evaluation{.loss = 0, .accuracy = static_cast<double>(parameters[0])};
  }
};

/// Two nodes and what they have told.
class TestnetCurve : public testing::Test {
 protected:
  void evaluated(std::size_t node, Step step, float parameter, double time_s) {
    const std::vector<float> parameters{parameter};
    ASSERT_TRUE(runtime::EvaluatedModels(directories_[node].path(), 1).keep(step, parameters));
    samples_[node].push_back({.time_s = time_s - 0.1, .step = step, .loss = 1, .accuracy = nan});
    samples_[node].push_back({.time_s = time_s,
                              .step = step,
                              .loss = 1,
                              .accuracy = static_cast<double>(parameter),
                              .bytes_sent = 100 * step});
  }

  std::vector<MeanPoint> curve() {
    const CurveSource nodes[] = {{directories_[0].path(), samples_[0]},
                                 {directories_[1].path(), samples_[1]}};
    OneParameterTask task;
    auto drawn = mean_curve(nodes, 10, task);
    EXPECT_TRUE(drawn) << drawn.error().message;
    return drawn.value_or(std::vector<MeanPoint>{});
  }

  runtime::testing::TemporaryDirectory directories_[2];
  std::vector<NodeSample> samples_[2];
};

TEST_F(TestnetCurve, HasTheMeanModelOfEachEvaluationWhenTheLastNodeIsThere) {
  evaluated(0, 10, 0.25F, 1.0);
  evaluated(1, 12, 0.75F, 2.5);
  const auto points = curve();
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(points[0].step, 10U);
  EXPECT_EQ(points[0].nodes, 2U);
  EXPECT_EQ(points[0].time_s, 2.5);
  EXPECT_EQ(points[0].bytes_sent, 2200U);
  EXPECT_EQ(points[0].accuracy_nodes_mean, 0.5);
  EXPECT_EQ(points[0].accuracy_mean_model, 0.5);
  EXPECT_DOUBLE_EQ(points[0].consensus_distance, 0.5);  // 0.25 of a mean of norm 0.5
}

TEST_F(TestnetCurve, GoesOnWithTheNodesThatAreLeft) {
  evaluated(0, 10, 0.2F, 1.0);
  evaluated(1, 10, 0.4F, 1.0);
  evaluated(0, 20, 0.6F, 2.0);
  const auto points = curve();
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[1].nodes, 1U);
  EXPECT_NEAR(points[1].accuracy_mean_model, 0.6, 1e-6);
}

TEST_F(TestnetCurve, LeavesOutAModelOfWhichNothingWasTold) {
  evaluated(0, 10, 0.2F, 1.0);
  evaluated(1, 10, 0.4F, 1.0);
  samples_[1].clear();
  const auto points = curve();
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(points[0].nodes, 1U);
}

TEST_F(TestnetCurve, IsEmptyWithoutModels) {
  EXPECT_TRUE(curve().empty());
  EXPECT_EQ(curve_text({}), "");
}

TEST(CurveDisk, IsBoundedForAllNodesTogether) {
  TestnetPlan plan;
  plan.run.nodes = 8;
  plan.run.steps = 1000;
  plan.run.evaluate_every = 100;
  EXPECT_EQ(models_kept_for_curve(plan, 100'000), 12U);
  const auto refused = models_kept_for_curve(plan, 10'000'000);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("3.8 GB"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("2.0 GB"), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace starling::cli
