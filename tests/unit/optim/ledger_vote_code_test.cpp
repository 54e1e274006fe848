#include "optim/ledger/vote_code.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "optim/ledger/grid.h"
#include "optim/ledger/step_table.h"
#include "starling/rng.h"

namespace starling::optim {
namespace {

TEST(VoteCode, KeepsScalarsWithinTheStatedRelativeError) {
  Rng rng(1);
  double worst = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double scalar = std::exp2(-14.0 + 21.0 * rng.uniform());
    const double decoded = decode_vote(encode_vote(scalar));
    worst = std::fmax(worst, std::abs(decoded / scalar - 1));
    ASSERT_EQ(decode_vote(encode_vote(-scalar)), -decoded);
  }
  EXPECT_LT(worst, 0.066);  // LEDGER.md
  EXPECT_GT(worst, 0.055);  // no better than 127 levels can be
}

TEST(VoteCode, EveryByteSurvivesDecodingAndEncoding) {
  for (int byte = 0; byte < 256; ++byte) {
    const auto code = static_cast<VoteCode>(byte);
    if (code == vote_not_finite) continue;
    EXPECT_EQ(encode_vote(decode_vote(code)), code);
  }
}

TEST(VoteCode, ReservesCodesForZeroAndForNotFinite) {
  EXPECT_EQ(encode_vote(0.0), vote_zero);
  EXPECT_EQ(encode_vote(-0.0), vote_zero);
  EXPECT_EQ(encode_vote(1e-9), vote_zero);
  EXPECT_EQ(encode_vote(std::nan("")), vote_not_finite);
  EXPECT_EQ(encode_vote(-std::numeric_limits<double>::infinity()), vote_not_finite);
  EXPECT_EQ(vote_step(vote_zero, 1ULL << 50U, ~0ULL), 0U);
  EXPECT_EQ(vote_step(vote_not_finite, 1ULL << 50U, ~0ULL), 0U);
}

TEST(VoteCode, SaturatesSoThatOneVoteMovesNoMoreThan128Scales) {
  EXPECT_EQ(decode_vote(encode_vote(1e30)), 128.0);
  EXPECT_EQ(decode_vote(encode_vote(-1e30)), -128.0);
}

TEST(VoteStep, IsTheScalarTimesTheUnitStepRoundedUpOrDown) {
  constexpr std::uint64_t unit_step = 1000ULL << 34U;
  for (int byte = 0; byte < 256; ++byte) {
    const auto code = static_cast<VoteCode>(byte);
    const double exact = 1000 * decode_vote(code);
    const auto low = static_cast<std::int32_t>(vote_step(code, unit_step, 0));
    const auto high = static_cast<std::int32_t>(vote_step(code, unit_step, ~0ULL));
    EXPECT_LE(std::abs(low), std::abs(exact));
    EXPECT_GE(std::abs(high), std::abs(exact));
    EXPECT_LE(std::abs(high - low), 1);
  }
}

TEST(VoteStep, HasTheExactExpectationBelowOneGridUnit) {
  const VoteCode code = encode_vote(1.0);
  const std::uint64_t unit_step = 3ULL << 31U;  // 0.375 of a grid unit
  Rng rng(2);
  constexpr int draws = 100'000;
  double sum = 0;
  for (int i = 0; i < draws; ++i) sum += vote_step(code, unit_step, rng.next());
  EXPECT_NEAR(sum / draws, 0.375, 0.008);  // five standard deviations
}

TEST(Grid, RoundsToTheNearestUnitAndStopsAtTheEndsOfItsRange) {
  EXPECT_EQ(to_grid(1.0F), 1 << 24);
  EXPECT_EQ(to_grid(-0x1.8p-24F), -2);
  EXPECT_EQ(to_grid(1e9F), std::numeric_limits<std::int32_t>::max());
  EXPECT_EQ(to_grid(-1e9F), std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(from_grid(-3), -3 * grid_unit);
}

TEST(Grid, SumsWrapSoThatOrderNeverMatters) {
  EXPECT_EQ(wrapping_add(std::numeric_limits<std::int32_t>::max(), 1U),
            std::numeric_limits<std::int32_t>::min());
}

constexpr double unit_of_one = 0x1.0p58;  // a parameter unit in unit_step's fixed point

TEST(StepTable, MultipliesStepSizeAndScaleAndDividesByTheNumberOfParameters) {
  const StepTable table({.step_size = 0.05, .scale = 10}, 1000, 10);
  EXPECT_NEAR(static_cast<double>(table.unit_step(3)), 0.5 / 1000 * unit_of_one, 0.5);
}

TEST(StepTable, FollowsTheScheduleToItsFloorAndStaysThere) {
  const LedgerRecipe linear{
      .step_size = 0.1, .schedule = ScheduleKind::linear, .schedule_floor = 0.2};
  const LedgerRecipe cosine{
      .step_size = 0.1, .schedule = ScheduleKind::cosine, .schedule_floor = 0.2};
  for (Step step = 0; step <= 120; ++step) {
    const double progress = std::fmin(static_cast<double>(step) / 100, 1);
    const double half_cosine = 0.5 * (1 + std::cos(progress * std::acos(-1.0)));
    EXPECT_NEAR(static_cast<double>(StepTable(linear, 1, 100).unit_step(step)) / unit_of_one,
                0.1 * (0.2 + 0.8 * (1 - progress)), 1e-12);
    EXPECT_NEAR(static_cast<double>(StepTable(cosine, 1, 100).unit_step(step)) / unit_of_one,
                0.1 * (0.2 + 0.8 * half_cosine), 1e-12);
  }
}

TEST(StepTable, BoundsAStepSizeThatWouldWrapTheGridInOneVote) {
  const StepTable table({.step_size = 1e9}, 1, 10);
  EXPECT_EQ(static_cast<double>(table.unit_step(0)), 0.25 * unit_of_one);
}

}  // namespace
}  // namespace starling::optim
