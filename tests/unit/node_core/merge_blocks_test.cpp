#include "node/core/merge_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "node/core/fixed_point.h"
#include "protocol/limits.h"
#include "protocol/merge/merge_block.h"
#include "starling/rng.h"

namespace starling::node {
namespace {

/// Two blocks, the second one short.
constexpr std::size_t count = protocol::merge_block_values + 44;
constexpr float float_max = std::numeric_limits<float>::max();

std::vector<float> normal_values(Rng& rng, double scale) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(rng.normal() * scale);
  return values;
}

/// Every value has a size of its own, from the smallest float to the largest.
std::vector<float> wild_values(Rng& rng) {
  std::vector<float> values(count);
  for (float& value : values) {
    const int exponent = static_cast<int>(rng.below(277)) - 149;
    value = std::ldexp(static_cast<float>(rng.uniform() - 0.5), exponent);
    if (rng.below(10) == 0) value = 0;
  }
  return values;
}

/// Weights 1, 3, 5 ... of these vectors.
std::vector<WeightedSlice> parts_of(const std::vector<std::vector<float>>& vectors) {
  std::vector<WeightedSlice> parts;
  for (const std::vector<float>& vector : vectors) {
    parts.push_back({.weight = 2 * parts.size() + 1, .blocks = blocks_of(vector)});
  }
  return parts;
}

std::vector<float> floats_of(const Bytes& bytes) {
  std::vector<float> values(bytes.size() / 4);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

Bytes mean_of(std::span<const WeightedSlice> parts, ModelForm form = ModelForm::floats) {
  return weighted_mean(parts, count, form);
}

WeightedSlice sum_of(std::span<const WeightedSlice> parts) {
  WeightedSlice sum{.weight = 0, .is_sum = true, .blocks = weighted_sum(parts, count)};
  for (const WeightedSlice& part : parts) sum.weight += part.weight;
  EXPECT_TRUE(protocol::are_merge_blocks(sum.blocks, count, true));
  return sum;
}

/// The merge's promise: 2^-30 of the block's largest magnitude, and the rounding to float32.
void expect_mean(const std::vector<std::vector<float>>& vectors, const std::string& what) {
  const std::vector<float> mean = floats_of(mean_of(parts_of(vectors)));
  ASSERT_EQ(mean.size(), count);
  for (std::size_t at = 0; at < count; ++at) {
    const std::size_t block = at / protocol::merge_block_values * protocol::merge_block_values;
    const std::size_t end = std::min(block + protocol::merge_block_values, count);
    long double sum = 0;
    long double weights = 0;
    long double largest = 0;
    for (std::size_t i = 0; i < vectors.size(); ++i) {
      const auto weight = static_cast<long double>(2 * i + 1);
      sum += weight * vectors[i][at];
      weights += weight;
      for (std::size_t j = block; j < end; ++j) {
        largest = std::max(largest, std::abs(static_cast<long double>(vectors[i][j])));
      }
    }
    const long double exact = sum / weights;
    const auto rounding = static_cast<long double>(std::nextafter(std::abs(mean[at]), float_max) -
                                                   std::abs(mean[at]));
    EXPECT_LE(std::abs(exact - mean[at]), largest * 0x1.0p-30L + rounding)
        << what << ", value " << at << ": " << exact;
  }
}

TEST(MergeBlocks, MeanIsExactToTwoToTheMinusThirtyOfTheBlocksLargest) {
  Rng rng(1);
  for (const double scale : {1.0, 1e-3, 100.0, 1e6, 1e30, 1e-30, 1e-44}) {
    expect_mean({normal_values(rng, scale), normal_values(rng, scale), normal_values(rng, scale)},
                "scale " + std::to_string(scale));
  }
  expect_mean({normal_values(rng, 1e6), normal_values(rng, 1e30), normal_values(rng, 1e-30)},
              "members of different sizes");
  for (int i = 0; i < 20; ++i) {
    expect_mean({wild_values(rng), wild_values(rng), wild_values(rng)}, "wild values");
  }
}

TEST(MergeBlocks, OfTwoMembersOfAnyTwoSizesTheMeanIsAsExact) {
  Rng rng(2);
  const double scales[] = {1e-44, 1e-30, 1e-15, 1e-9, 1e-5, 1.0, 1e6, 1e12, 1e30};
  for (const double one : scales) {
    for (const double other : scales) {
      expect_mean({normal_values(rng, one), normal_values(rng, other)},
                  std::to_string(one) + " and " + std::to_string(other));
    }
  }
}

TEST(MergeBlocks, HugeParametersMergeExactly) {
  std::vector<float> one(count, 1e6F);
  std::vector<float> other(count, 3e6F);
  const std::vector<WeightedSlice> parts = {{1, false, blocks_of(one)},
                                            {1, false, blocks_of(other)}};
  EXPECT_EQ(floats_of(mean_of(parts)), std::vector<float>(count, 2e6F));
}

TEST(MergeBlocks, EqualModelsMergeToThemselves) {
  Rng rng(2);
  for (const float scale : {float_max, -float_max, 0x1.0p-126F, 1e6F, 1.0F}) {
    std::vector<float> values(count);  // of one size: none loses a bit
    for (float& value : values) value = scale * static_cast<float>(1 - rng.uniform() / 4);
    const std::vector<WeightedSlice> parts = {{3, false, blocks_of(values)},
                                              {1U << 20U, false, blocks_of(values)}};
    EXPECT_EQ(floats_of(mean_of(parts)), values) << scale;
  }
}

TEST(MergeBlocks, MeanDoesNotDependOnTheOrderOfParts) {
  Rng rng(3);
  for (int round = 0; round < 10; ++round) {
    std::vector<std::vector<float>> vectors;
    for (int i = 0; i < 7; ++i) {
      vectors.push_back(round % 2 == 0 ? wild_values(rng) : normal_values(rng, 1));
    }
    std::vector<WeightedSlice> parts = parts_of(vectors);
    const Bytes mean = mean_of(parts);
    for (int order = 0; order < 10; ++order) {
      rng.shuffle(std::span(parts));
      ASSERT_EQ(mean_of(parts), mean);
    }
  }
}

TEST(MergeBlocks, SumsOfPartsGiveTheMeanOfAllWhateverTheTree) {
  Rng rng(4);
  for (int round = 0; round < 10; ++round) {
    std::vector<std::vector<float>> vectors;
    for (int i = 0; i < 7; ++i) {
      vectors.push_back(round % 2 == 0 ? wild_values(rng) : normal_values(rng, 100));
    }
    const std::vector<WeightedSlice> parts = parts_of(vectors);
    const Bytes mean = mean_of(parts);
    for (std::size_t cut = 2; cut < parts.size(); ++cut) {  // a subtree of several, and the rest
      std::vector<WeightedSlice> above(parts.begin() + static_cast<std::ptrdiff_t>(cut),
                                       parts.end());
      above.push_back(sum_of(std::span(parts).first(cut)));
      ASSERT_EQ(mean_of(above), mean) << cut;
      const WeightedSlice whole = sum_of(above);
      ASSERT_EQ(mean_of(std::span(&whole, 1)), mean) << cut;
    }
  }
}

TEST(MergeBlocks, WhatCancelsLeavesWhatIsSmall) {
  const std::vector<float> large(count, 1e30F);
  const std::vector<float> minus(count, -1e30F);
  const std::vector<float> small(count, 3.0F);
  const std::vector<WeightedSlice> parts = {
      {1, false, blocks_of(large)}, {1, false, blocks_of(minus)}, {1, false, blocks_of(small)}};
  EXPECT_EQ(floats_of(mean_of(parts)), std::vector<float>(count, 1.0F));
}

TEST(MergeBlocks, OfOneMemberTakeFourBytesAValueAndOfZerosNone) {
  Rng rng(5);
  const std::size_t heads = 2 * protocol::merge_block_head_bytes;
  EXPECT_EQ(blocks_of(normal_values(rng, 1)).size(), heads + 4 * count);
  EXPECT_EQ(blocks_of(std::vector<float>(count, 0.0F)).size(), heads);
}

TEST(MergeBlocks, OfEightLikeMembersTakeFiveBytesAValue) {
  Rng rng(6);
  std::vector<std::vector<float>> vectors;
  for (int i = 0; i < 8; ++i) vectors.push_back(normal_values(rng, 1));
  std::vector<WeightedSlice> parts = parts_of(vectors);
  for (WeightedSlice& part : parts) part.weight = 1;
  EXPECT_LE(sum_of(parts).blocks.size(), 2 * protocol::merge_block_head_bytes + 5 * count);
}

// --- The ledger's integers ---

std::vector<std::int32_t> random_grid(Rng& rng) {
  std::vector<std::int32_t> grid(count);
  for (std::int32_t& value : grid) value = static_cast<std::int32_t>(rng.next());
  grid[0] = std::numeric_limits<std::int32_t>::min();
  grid[1] = std::numeric_limits<std::int32_t>::max();
  return grid;
}

TEST(MergeBlocks, OfEqualLedgersAreTheirIntegers) {
  Rng rng(7);
  const std::vector<std::int32_t> grid = random_grid(rng);
  std::vector<WeightedSlice> parts(3, {.weight = 1U << 20U, .blocks = blocks_of(grid)});
  EXPECT_EQ(mean_of(parts, ModelForm::grid), to_fixed_point(grid));
  const WeightedSlice sum = sum_of(parts);
  EXPECT_EQ(mean_of(std::span(&sum, 1), ModelForm::grid), to_fixed_point(grid));
}

TEST(MergeBlocks, OfLedgersThatDifferAreTheNearestIntegersHalvesAwayFromZero) {
  Rng rng(8);
  const std::vector<std::vector<std::int32_t>> grids = {random_grid(rng), random_grid(rng)};
  const std::vector<WeightedSlice> parts = {{1, false, blocks_of(grids[0])},
                                            {1, false, blocks_of(grids[1])}};
  const std::vector<std::int32_t> mean = fixed_point_values(mean_of(parts, ModelForm::grid));
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t sum = std::int64_t{grids[0][i]} + grids[1][i];
    EXPECT_EQ(mean[i], sum >= 0 ? (sum + 1) / 2 : (sum - 1) / 2) << i;
  }
}

// --- A sender that lies harms the mean, never the arithmetic ---

Bytes random_blocks(Rng& rng, bool is_sum) {
  Bytes bytes;
  for (std::size_t left = count; left > 0;) {
    const std::size_t values = std::min(left, protocol::merge_block_values);
    const auto unit = static_cast<std::uint8_t>(rng.below(protocol::merge_unit_max + 1));
    const std::size_t widths =
        is_sum ? (protocol::merge_sum_bits_max - unit) / 8 : protocol::merge_own_width_max;
    const auto width = static_cast<std::uint8_t>(rng.below(widths + 1));
    bytes.insert(bytes.end(), {unit, width});
    for (std::size_t i = 0; i < values * width; ++i) {
      bytes.push_back(static_cast<std::uint8_t>(rng.below(3) == 0 ? 0x80 : rng.next()));
    }
    left -= values;
  }
  return bytes;
}

TEST(MergeBlocks, OfAnyBytesThatAreBlocksHaveAFiniteMeanThatDoesNotDependOnOrder) {
  Rng rng(9);
  for (int round = 0; round < 200; ++round) {
    std::vector<WeightedSlice> parts;
    for (std::size_t i = 0; i < 5; ++i) {
      const bool is_sum = rng.below(2) == 0;
      parts.push_back({.weight = 1 + rng.below(protocol::limits::merge_weight_max),
                       .is_sum = is_sum,
                       .blocks = random_blocks(rng, is_sum)});
    }
    const Bytes mean = mean_of(parts);
    for (const float value : floats_of(mean)) ASSERT_TRUE(std::isfinite(value));
    static_cast<void>(mean_of(parts, ModelForm::grid));
    std::ranges::reverse(parts);
    EXPECT_EQ(mean_of(parts), mean);
    static_cast<void>(sum_of(parts));  // which are blocks, whatever was claimed
  }
}

}  // namespace
}  // namespace starling::node
