#include "optim/vote_tuning.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace starling::optim {
namespace {

constexpr std::size_t d = 256;

/// curvature / 2 times the squared norm: in a step of k votes the best step_size is 1 / curvature
/// for k far below d.
BatchLoss bowl(double curvature) {
  return [curvature](std::span<const float> at, std::uint32_t, Step) {
    double sum = 0;
    for (const float value : at) sum += double{value} * value;
    return curvature / 2 * sum;
  };
}

VoteTuning tune(const BatchLoss& loss, double step_size = 0.01) {
  LedgerRecipe rule{.probes = 4, .step_size = step_size};
  return tune_votes({rule, Movement(rule, d), 2, 40}, std::vector<float>(d, 0.1F), loss);
}

TEST(VoteTuning, FindsTheStepSizeOfAQuadraticFromBelowAndAbove) {
  for (const double curvature : {1.0, 16.0}) {
    const double from_below = tune(bowl(curvature), 0.01).step_size;
    const double from_above = tune(bowl(curvature), 5.0).step_size;
    EXPECT_NEAR(std::log2(from_below * curvature), 0, 1) << curvature;
    EXPECT_NEAR(std::log2(from_above * curvature), 0, 1) << curvature;
  }
}

TEST(VoteTuning, ComesBackFromStepSizesThatDiverge) {
  const BatchLoss cliff = [](std::span<const float> at, std::uint32_t, Step) {
    const double loss = bowl(1)(at, 0, 0);
    return loss < 2 ? loss : std::nan("");
  };
  const VoteTuning tuning = tune(cliff, 500);
  EXPECT_LT(tuning.step_size, 4);
  EXPECT_TRUE(std::isinf(tuning.trials.back().loss));
}

TEST(VoteTuning, ChoosesTheBestOfTheTrialsItReports) {
  const VoteTuning tuning = tune(bowl(1));
  const auto best = std::ranges::min_element(tuning.trials, {}, &StepSizeTrial::loss);
  EXPECT_EQ(best->step_size, tuning.step_size);
  EXPECT_LT(best->loss, tuning.loss_before);
  EXPECT_TRUE(std::ranges::is_sorted(tuning.trials, {}, &StepSizeTrial::step_size));
}

TEST(VoteTuning, ProbesAsFarAsTheLossIsStraightAndNoShorterThanItsRoundingAllows) {
  /// Bent at the scale `width`, and rounded to multiples of `noise`.
  const auto wave = [](double width, double noise) -> BatchLoss {
    return [=](std::span<const float> at, std::uint32_t, Step) {
      double sum = 0;
      for (const float value : at) sum += std::sin(value / width) * width;
      return std::round(sum / noise) * noise;
    };
  };
  const double smooth = tune(wave(1, 1e-4)).probe_size;
  EXPECT_LT(smooth, 0.25);
  EXPECT_GT(smooth, 0.002);
  EXPECT_LT(tune(wave(0.01, 1e-9)).probe_size, 0.005);
}

}  // namespace
}  // namespace starling::optim
