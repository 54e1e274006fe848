#include "optim/privacy/private_scalars.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

namespace starling::optim {
namespace {

LedgerRecipe rule_of(double clip, double noise, std::uint32_t probes) {
  LedgerRecipe rule;
  rule.clip = clip;
  rule.noise = noise;
  rule.probes = probes;
  return rule;
}

TEST(PrivateScalars, ClipsEverySampleAndDividesByTheAverageBatch) {
  const PrivateScalars scalars(rule_of(2, 0, 1), LossGrain::sample, 10);
  const std::array forward{1.0, 9.0, 0.0};
  const std::array backward{0.5, 1.0, 7.0};
  // Quotients 1, 16 and -14, of which the last two are clipped to 2 and -2.
  EXPECT_DOUBLE_EQ(scalars.clipped(forward, backward, 0.5), (1.0 + 2.0 - 2.0) / 10);
}

TEST(PrivateScalars, AnySampleMovesTheScalarByItsShareOfTheClipAtMost) {
  const PrivateScalars scalars(rule_of(3, 0, 1), LossGrain::sample, 4);
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double loss : {-infinity, -1e300, 0.0, 5.0, infinity, std::nan("")}) {
    const std::array with{1.0, loss};
    const std::array without{1.0};
    const std::array zeros{0.0, 0.0};
    const double moved =
        scalars.clipped(with, zeros, 1) - scalars.clipped(without, std::span(zeros).first(1), 1);
    EXPECT_LE(std::abs(moved), 3.0 / 4) << loss;
  }
}

TEST(PrivateScalars, AnEmptyBatchGivesZero) {
  const PrivateScalars scalars(rule_of(3, 1, 1), LossGrain::sample, 4);
  EXPECT_EQ(scalars.clipped({}, {}, 1), 0);
}

TEST(PrivateScalars, NoiseCoversTheVectorOfAllProbesOfAStep) {
  const PrivateScalars scalars(rule_of(3, 2, 16), LossGrain::sample, 100);
  EXPECT_DOUBLE_EQ(scalars.deviation(), 2 * 3 * 4.0 / 100);
}

TEST(PrivateScalars, AMeanLossNeedsNoiseOfItsWholeRange) {
  const PrivateScalars scalars(rule_of(3, 2, 16), LossGrain::batch, 100);
  EXPECT_DOUBLE_EQ(scalars.deviation(), 2 * 6 * 4.0);
  const std::array forward{50.0};
  const std::array backward{0.0};
  EXPECT_DOUBLE_EQ(scalars.clipped(forward, backward, 1), 3);
}

}  // namespace
}  // namespace starling::optim
