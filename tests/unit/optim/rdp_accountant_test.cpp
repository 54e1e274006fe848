// The accountant against published figures (LEARNING.md, C15) and against formulas of its own.

#include "optim/privacy/rdp_accountant.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace starling::optim {
namespace {

/// Mironov 2017, proposition 3: the conversion that most published figures use.
double classic_epsilon(const RdpAccountant& accountant, double releases, double delta) {
  double least = std::numeric_limits<double>::infinity();
  for (unsigned order = 2; order <= 64; ++order) {
    least =
        std::min(least, releases * accountant.divergence(order) - std::log(delta) / (order - 1));
  }
  return least;
}

TEST(RdpAccountant, GivesThePublishedBudgetOfDeepLearningOnMnist) {
  const RdpAccountant accountant(256.0 / 60'000, 1.1);
  EXPECT_NEAR(classic_epsilon(accountant, 14'062, 1e-5), 3.01, 0.005);
  EXPECT_NEAR(accountant.epsilon(14'062, 1e-5), 2.60, 0.005);
}

TEST(RdpAccountant, GivesThePublishedBudgetOfTenThousandSteps) {
  const RdpAccountant accountant(0.01, 4);
  EXPECT_NEAR(classic_epsilon(accountant, 10'000, 1e-5), 1.26, 0.005);
  EXPECT_NEAR(accountant.epsilon(10'000, 1e-5), 1.04, 0.005);
}

TEST(RdpAccountant, IsTheGaussianMechanismWhereEverySampleTakesPart) {
  const RdpAccountant accountant(1, 5);
  EXPECT_DOUBLE_EQ(accountant.divergence(8), 8 / (2 * 5.0 * 5.0));
}

// Integrates E over N(0, s^2) of (mixture density / density)^order, by the midpoint rule.
TEST(RdpAccountant, AgreesWithTheIntegralThatDefinesTheDivergence) {
  const double rate = 0.2;
  const double deviation = 1.5;
  const double width = 1e-3;
  for (const unsigned order : {2U, 3U, 7U}) {
    double moment = 0;
    for (double x = -20; x < 30; x += width) {
      const double density = std::exp(-x * x / (2 * deviation * deviation));
      const double ratio = 1 - rate + rate * std::exp((2 * x - 1) / (2 * deviation * deviation));
      moment += density * std::pow(ratio, order) * width;
    }
    moment /= deviation * std::sqrt(2 * std::acos(-1.0));
    const RdpAccountant accountant(rate, deviation);
    EXPECT_NEAR(accountant.divergence(order), std::log(moment) / (order - 1), 1e-6) << order;
  }
}

TEST(RdpAccountant, GrowsWithReleasesAndFallsWithNoise) {
  const RdpAccountant quiet(0.1, 1);
  const RdpAccountant loud(0.1, 2);
  EXPECT_EQ(quiet.epsilon(0, 1e-5), 0);
  EXPECT_LT(quiet.epsilon(10, 1e-5), quiet.epsilon(20, 1e-5));
  EXPECT_LT(loud.epsilon(10, 1e-5), quiet.epsilon(10, 1e-5));
}

}  // namespace
}  // namespace starling::optim
