#include "node/core/fixed_point.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "starling/rng.h"

namespace starling::node {
namespace {

std::vector<float> random_values(std::uint64_t seed, std::size_t count) {
  Rng rng(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(rng.normal());
  return values;
}

TEST(FixedPoint, KeepsEveryBitOfTheLedgersIntegers) {
  const std::vector<std::int32_t> grid{1, -1, (1 << 24) + 1, 0x7fffffff, -0x7fffffff - 1};
  EXPECT_EQ(fixed_point_values(to_fixed_point(grid)), grid);
}

TEST(FixedPoint, RoundTripsWithinHalfAGridUnit) {
  const std::vector<float> values = random_values(1, 1000);
  const std::vector<float> back = from_fixed_point(to_fixed_point(values));
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_LE(std::abs(static_cast<double>(back[i]) - values[i]), grid_unit);
  }
}

TEST(FixedPoint, ClipsWhatTheGridCannotHold) {
  const std::vector<float> values = {1000.0F, -1000.0F, std::numeric_limits<float>::quiet_NaN()};
  const std::vector<std::int32_t> grid = fixed_point_values(to_fixed_point(values));
  EXPECT_EQ(grid[0], std::numeric_limits<std::int32_t>::max());
  EXPECT_EQ(grid[1], std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(grid[2], 0);
}

TEST(FixedPoint, WeightedMeanDoesNotDependOnTheOrderOfParts) {
  std::vector<WeightedSlice> parts;
  for (std::uint64_t i = 0; i < 7; ++i) {
    parts.push_back({.weight = 3 * i + 1, .data = to_fixed_point(random_values(i, 64))});
  }
  const Bytes mean = weighted_mean(parts);
  Rng rng(9);
  for (int order = 0; order < 20; ++order) {
    rng.shuffle(std::span(parts));
    EXPECT_EQ(weighted_mean(parts), mean);
  }
}

TEST(FixedPoint, SumsOfPartsGiveTheMeanOfAllWhateverTheTree) {
  std::vector<WeightedSlice> parts;
  std::uint64_t weight = 0;
  for (std::uint64_t i = 0; i < 7; ++i) {
    parts.push_back({.weight = (std::uint64_t{1} << (3 * i)) + i,
                     .data = to_fixed_point(random_values(i, 64))});
    weight += parts.back().weight;
  }
  const Bytes mean = weighted_mean(parts);
  for (std::size_t cut = 2; cut < parts.size(); ++cut) {  // a subtree of several, and the rest
    const std::span<const WeightedSlice> all(parts);
    std::uint64_t below = 0;
    for (const WeightedSlice& part : all.first(cut)) below += part.weight;
    std::vector<WeightedSlice> above(all.begin() + static_cast<std::ptrdiff_t>(cut), all.end());
    above.push_back({.weight = below, .is_sum = true, .data = weighted_sum(all.first(cut))});
    EXPECT_EQ(weighted_mean(above), mean) << cut;
    const WeightedSlice whole{.weight = weight, .is_sum = true, .data = weighted_sum(above)};
    EXPECT_EQ(weighted_mean(std::span(&whole, 1)), mean) << cut;
  }
}

TEST(FixedPoint, ASumHoldsTheExtremesOfItsWeight) {
  const std::vector<std::int32_t> ends = {std::numeric_limits<std::int32_t>::min(),
                                          std::numeric_limits<std::int32_t>::max()};
  std::vector<WeightedSlice> parts;
  for (int i = 0; i < 3; ++i) {
    parts.push_back({.weight = std::uint64_t{1} << 20U, .data = to_fixed_point(ends)});
  }
  const WeightedSlice sum{
      .weight = 3 * (std::uint64_t{1} << 20U), .is_sum = true, .data = weighted_sum(parts)};
  EXPECT_EQ(fixed_point_values(weighted_mean(std::span(&sum, 1))), ends);
}

// A sender that lies harms the mean, never the arithmetic.
TEST(FixedPoint, ASumBeyondItsWeightIsClipped) {
  const WeightedSlice sum{.weight = 2, .is_sum = true, .data = Bytes{0xFF, 0xFF, 0xFF, 0xFF, 0x7F}};
  EXPECT_EQ(fixed_point_values(weighted_mean(std::span(&sum, 1))).at(0),
            std::numeric_limits<std::int32_t>::max());
}

TEST(FixedPoint, WeightedMeanWeighs) {
  const std::vector<float> one = {1.0F};
  const std::vector<float> four = {4.0F};
  const std::vector<WeightedSlice> parts = {{2, false, to_fixed_point(one)},
                                            {1, false, to_fixed_point(four)}};
  EXPECT_FLOAT_EQ(from_fixed_point(weighted_mean(parts))[0], 2.0F);
}

}  // namespace
}  // namespace starling::node
