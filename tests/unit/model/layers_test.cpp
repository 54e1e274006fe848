#include "model/layers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "starling/rng.h"

namespace starling::model {
namespace {

using testing::ElementsAre;
using Values = std::vector<float>;

Values random_values(std::size_t count, std::uint64_t seed) {
  Rng rng(seed);
  Values values(count);
  for (float& value : values) value = static_cast<float>(rng.normal());
  return values;
}

/// Compares d f / d values with central differences of step 1e-2: for the smooth f here the
/// difference's own error is below 1e-4, fp32 rounding about 1e-5 / 1e-2.
void expect_derivative(const std::function<double()>& f, Values& values, const Values& d_values) {
  constexpr float step = 1e-2F;
  ASSERT_EQ(values.size(), d_values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float kept = values[i];
    values[i] = kept + step;
    const double above = f();
    values[i] = kept - step;
    const double below = f();
    values[i] = kept;
    EXPECT_NEAR(d_values[i], (above - below) / (2.0 * static_cast<double>(step)), 2e-3) << i;
  }
}

/// A linear layer and the scalar <d_y, y> whose derivatives its backward functions give.
struct LinearProblem {
  LinearShape shape{3, 4, 5};
  Values x = random_values(12, 1);
  Values weight = random_values(20, 2);
  Values bias = random_values(5, 3);
  Values d_y = random_values(15, 4);

  [[nodiscard]] double value() const {
    Values y(15);
    linear_forward(shape, x, weight, bias, y);
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i)
      sum += static_cast<double>(d_y[i]) * static_cast<double>(y[i]);
    return sum;
  }
};

TEST(Linear, ForwardIsProductWithTransposedWeightPlusBias) {
  Values y(4, -1);
  linear_forward({2, 3, 2}, Values{1, 2, 3, 4, 5, 6}, Values{1, 0, -1, 2, 1, 0}, Values{10, 20}, y);
  EXPECT_THAT(y, ElementsAre(8, 24, 8, 33));
}

TEST(Linear, BackwardMatchesFiniteDifferences) {
  LinearProblem problem;
  Values d_weight(20, 99);
  Values d_bias(5, 99);
  Values d_x(12, 99);
  linear_backward_parameters(problem.shape, problem.d_y, problem.x, d_weight, d_bias);
  linear_backward_input(problem.shape, problem.d_y, problem.weight, d_x);
  const auto value = [&] { return problem.value(); };
  expect_derivative(value, problem.weight, d_weight);
  expect_derivative(value, problem.bias, d_bias);
  expect_derivative(value, problem.x, d_x);
}

TEST(Relu, ForwardCutsNegativeValues) {
  Values y{-1, 0, 2};
  relu_forward(y);
  EXPECT_THAT(y, ElementsAre(0, 0, 2));
}

TEST(Relu, BackwardMatchesFiniteDifferences) {
  Values x{-1.5F, -0.3F, 0.2F, 0.9F, 2.0F};  // further from the kink than the step
  const Values weights = random_values(5, 6);
  const auto value = [&] {
    Values y = x;
    relu_forward(y);
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += static_cast<double>(weights[i] * y[i]);
    return sum;
  };
  Values y = x;
  relu_forward(y);
  Values d_x = weights;
  relu_backward(y, d_x);
  expect_derivative(value, x, d_x);
}

TEST(CrossEntropy, OfEqualLogitsIsTheLogarithmOfTheClassCount) {
  EXPECT_NEAR(cross_entropy_forward(Values(8, 3.0F), std::vector<Label>{0, 3}), std::log(4.0),
              1e-6);
}

TEST(CrossEntropy, StaysFiniteForLargeLogits) {
  EXPECT_NEAR(cross_entropy_forward(Values{1e4F, -1e4F}, std::vector<Label>{1}), 2e4, 1e-2);
}

TEST(CrossEntropy, BackwardMatchesFiniteDifferences) {
  const std::vector<Label> labels{0, 2, 1};
  Values logits = random_values(9, 7);
  Values d_logits = logits;
  const double loss = cross_entropy_backward(d_logits, labels);
  EXPECT_DOUBLE_EQ(loss, cross_entropy_forward(logits, labels));
  expect_derivative([&] { return cross_entropy_forward(logits, labels); }, logits, d_logits);
}

TEST(CountCorrect, CountsRowsWhoseLargestLogitIsTheLabels) {
  EXPECT_EQ(count_correct(Values{1, 2, 0, 5, 4, 3}, std::vector<Label>{1, 2}), 1U);
}

}  // namespace
}  // namespace starling::model
