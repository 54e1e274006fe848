// The numbers of LEARNING.md, checks C13 and C14.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <vector>

#include "optim/ledger/direction.h"
#include "optim/ledger/movement.h"
#include "optim/ledger/naive_sum.h"
#include "tests/unit/optim/ledger_support.h"

namespace starling::optim {
namespace {

using Vector = std::vector<double>;

/// One of the step's directions in real numbers; zero where the stretches leave a parameter out.
Vector direction(const StepKeys& keys, std::uint32_t row, std::span<const Stretch> stretches,
                 std::size_t size) {
  std::vector<std::int32_t> signs(size);
  for (const Stretch& stretch : stretches) {
    add_vote_naive(keys.signs, {row, 0U - 1U}, stretch, signs);
  }
  return {signs.begin(), signs.end()};
}

Vector direction(const StepKeys& keys, std::uint32_t row, std::size_t size) {
  return direction(keys, row, std::array{Stretch{.length = size}}, size);
}

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// The mean over `probes` of z <z, g>: the estimate of g that votes amount to.
Vector estimate(const Vector& gradient, Step step, std::uint32_t probes, const Movement& movement) {
  const auto stretches = movement.stretches(movement.part(step));
  const StepKeys keys = step_keys(test::id_of<RunId>(14), step);
  const AuthorStream author(keys, test::id_of<NodeId>(14), Directions::own);
  Vector sum(gradient.size());
  for (std::uint32_t probe = 0; probe < probes; ++probe) {
    const std::uint32_t row = author.row(probe, movement.rows());
    const Vector z = direction(keys, row, stretches, gradient.size());
    const double scalar = dot(z, gradient) / probes;
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += scalar * z[i];
  }
  return sum;
}

Vector estimate(const Vector& gradient, Step step, std::uint32_t probes) {
  return estimate(gradient, step, probes, Movement({}, gradient.size()));
}

Vector random_vector(std::size_t size, std::uint64_t seed) {
  Rng rng(seed);
  Vector values(size);
  for (double& value : values) value = rng.normal();
  return values;
}

TEST(LedgerLearning, DescendsAnIsotropicQuadraticAtTheRateOfC14) {
  constexpr std::uint32_t d = 1024;
  constexpr std::uint32_t k = 100;
  constexpr double step_size = double{k} / (d + k - 1);
  Vector x = random_vector(d, 1);
  const double before = dot(x, x);
  for (Step step = 0; step < 100; ++step) {
    const Vector g = estimate(x, step, k);
    for (std::size_t i = 0; i < d; ++i) x[i] -= step_size * g[i];
  }
  // C14's theory for i.i.d. directions; distinct rows have the smaller second moment d / k.
  const double independent = std::pow(1 - step_size, 100);
  const double distinct = std::pow(1 - 2 * step_size + step_size * step_size * d / k, 100);
  EXPECT_NEAR(independent, 8.9e-5, 1e-6);
  EXPECT_LT(dot(x, x) / before, independent);
  EXPECT_NEAR(dot(x, x) / before / distinct, 1, 0.3);
}

TEST(LedgerLearning, AllRowsOfAStepGiveTheGradientExactly) {
  constexpr std::uint32_t d = 128;
  const Vector gradient = random_vector(d, 2);
  const Vector got = estimate(gradient, 1, d);
  for (std::size_t i = 0; i < d; ++i) EXPECT_NEAR(got[i], gradient[i], 1e-12);
}

TEST(LedgerLearning, SecondMomentIsDOverKForDistinctRows) {
  constexpr std::uint32_t d = 64;
  constexpr std::uint32_t k = 16;
  const Vector gradient = random_vector(d, 3);
  double sum = 0;
  constexpr Step draws = 4000;
  for (Step step = 0; step < draws; ++step) {
    const Vector g = estimate(gradient, step, k);
    sum += dot(g, g) / dot(gradient, gradient);
  }
  EXPECT_NEAR(sum / draws, double{d} / k, 0.1);  // i.i.d. signs: (d + k - 1) / k = 4.94
}

TEST(LedgerLearning, AllRowsOfACycleOfPartsGiveTheGradientExactly) {
  constexpr std::uint32_t d = 512;
  const Movement movement({.parts = 4}, d);
  const Vector gradient = random_vector(d, 5);
  Vector sum(d);
  for (Step step = 0; step < 4; ++step) {
    const Vector got = estimate(gradient, step, d / 4, movement);
    for (std::size_t i = 0; i < d; ++i) sum[i] += got[i];
  }
  for (std::size_t i = 0; i < d; ++i) EXPECT_NEAR(sum[i], gradient[i], 1e-12);
}

TEST(LedgerLearning, SecondMomentIsThatOfTheParametersThatMove) {
  constexpr std::uint32_t d = 512;
  constexpr std::uint32_t k = 16;
  const Movement movement({.parts = 4}, d);
  Vector gradient = random_vector(d, 6);
  std::fill(gradient.begin() + 128, gradient.end(), 0);  // what the first part moves
  double sum = 0;
  constexpr Step draws = 2000;
  for (Step draw = 0; draw < draws; ++draw) {
    const Vector g = estimate(gradient, 4 * draw, k, movement);
    sum += dot(g, g) / dot(gradient, gradient);
  }
  EXPECT_NEAR(sum / draws, movement.active_count() / k, 0.2);
}

/// The mean over `authors` of their estimates, each of the common gradient plus a bias of its own;
/// the biases sum to zero.
double error_from_biases(Directions directions) {
  constexpr std::size_t d = 256;
  constexpr int authors = 8;
  constexpr std::uint32_t probes = 16;
  const Vector bias = random_vector(d, 4);
  Vector sum(d);
  const StepKeys keys = step_keys(test::id_of<RunId>(14), 1);
  for (std::uint64_t author = 0; author < authors; ++author) {
    const AuthorStream stream(keys, test::id_of<NodeId>(author), directions);
    const double sign = author % 2 == 0 ? 1 : -1;
    for (std::uint32_t probe = 0; probe < probes; ++probe) {
      const Vector z = direction(keys, stream.row(probe, d), d);
      for (std::size_t i = 0; i < d; ++i) sum[i] += sign * dot(z, bias) * z[i];
    }
  }
  return dot(sum, sum) / dot(bias, bias);
}

TEST(LedgerLearning, BiasesThatSumToZeroCancelRowByRowOnlyAlongSharedDirections) {
  EXPECT_NEAR(error_from_biases(Directions::shared), 0, 1e-20);
  EXPECT_GT(error_from_biases(Directions::own), 1);
}

TEST(LedgerLearning, FloatingPointSumsDependOnTheOrderWhereTheGridDoesNot) {
  constexpr std::size_t d = 65'536;
  Rng rng(13);
  auto votes = test::random_votes(200, 65'536, rng);
  for (RowVote& vote : votes) vote.step %= 100'000;
  const PhiloxKey signs = step_keys(test::id_of<RunId>(13), 0).signs;
  const auto sums = [&](std::vector<std::int32_t>& grid, std::vector<float>& floats) {
    for (const RowVote& vote : votes) {
      std::vector<std::int32_t> change(d);
      add_vote_naive(signs, vote, change);
      for (std::size_t i = 0; i < d; ++i) {
        grid[i] = wrapping_add(grid[i], static_cast<std::uint32_t>(change[i]));
        floats[i] += from_grid(change[i]) * 0.1F;
      }
    }
  };
  std::vector<std::int32_t> grid(d);
  std::vector<std::int32_t> shuffled_grid(d);
  std::vector<float> floats(d);
  std::vector<float> shuffled_floats(d);
  sums(grid, floats);
  rng.shuffle(std::span(votes));
  sums(shuffled_grid, shuffled_floats);
  EXPECT_EQ(grid, shuffled_grid);
  std::size_t different = 0;
  for (std::size_t i = 0; i < d; ++i) different += floats[i] != shuffled_floats[i] ? 1U : 0U;
  EXPECT_GT(different, d / 2);  // C13 measured 91.8 %
}

}  // namespace
}  // namespace starling::optim
