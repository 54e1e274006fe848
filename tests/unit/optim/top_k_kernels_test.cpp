#include "optim/codec/kernels/top_k_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "optim/codec/kernels/top_k_scalar.h"
#include "starling/rng.h"

namespace starling::optim {
namespace {

constexpr std::size_t lengths[] = {1, 2, 63, 64, 65, 1000, 4097, 10'000, 65'535, 65'536};

/// Draws whose tail gets heavier with `power`.
std::vector<float> draws(std::size_t length, int power, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(length);
  for (float& value : values) {
    value = static_cast<float>(rng.below(2'000'001)) / 1e6F - 1.0F;
    value = std::pow(value, static_cast<float>(power));
  }
  return values;
}

std::vector<std::vector<float>> kinds_of_values(std::size_t length) {
  std::vector<std::vector<float>> kinds;
  for (const int power : {1, 3, 21}) kinds.push_back(draws(length, power, length));
  kinds.emplace_back(length, 0.0F);
  kinds.emplace_back(length, -2.0F);
  // Few differ from zero; the large ones stand together; a chunk that rises; few distinct values.
  kinds.emplace_back(length, 0.0F);
  for (std::size_t i = 0; i < length; i += 997) kinds.back()[i] = 1.0F;
  kinds.push_back(draws(length, 1, 3));
  for (std::size_t i = length / 3; i < length / 3 + length / 50; ++i) kinds.back()[i] += 100.0F;
  kinds.emplace_back(length);
  for (std::size_t i = 0; i < length; ++i) kinds.back()[i] = static_cast<float>(i);
  kinds.push_back(draws(length, 1, 4));
  for (float& value : kinds.back()) value = std::round(value * 3);
  // Denormals, and values that are no numbers.
  kinds.push_back(draws(length, 1, 5));
  for (float& value : kinds.back()) value *= 1e-41F;
  kinds.push_back(draws(length, 1, 6));
  constexpr float infinity = std::numeric_limits<float>::infinity();
  Rng rng(7);
  for (const float odd : {std::nanf(""), -std::nanf("7"), infinity, -infinity, -0.0F, 1e-45F}) {
    kinds.back()[rng.below(length)] = odd;
  }
  return kinds;
}

TEST(TopKKernels, SelectWhatTheScalarTwinSelects) {
  for (const std::size_t length : lengths) {
    for (const auto& values : kinds_of_values(length)) {
      for (const double density : {0.0, 0.001, 0.01, 0.1, 0.5, 0.99, 1.0}) {
        const auto share = static_cast<std::size_t>(density * static_cast<double>(length));
        std::vector<std::uint16_t> expected(std::max<std::size_t>(share, 1));
        scalar::select_top_k(std::span(values), std::span(expected));
        for (const TopKKernels& kernels : usable_top_k_kernels()) {
          std::vector<std::uint16_t> selected(expected.size());
          select_top_k(kernels, values, selected);
          ASSERT_EQ(selected, expected) << kernels.name << ' ' << length << ' ' << density;
        }
      }
    }
  }
}

TEST(TopKKernels, MarkNothingBehindTheValues) {
  const std::vector<float> values(130, 1.0F);
  for (const TopKKernels& kernels : usable_top_k_kernels()) {
    for (std::size_t length = 1; length <= values.size(); ++length) {
      std::vector<std::uint64_t> marks(4, 0x5a);
      kernels.mark(std::span(values).first(length), 1, marks.data());
      for (std::size_t i = 0; i < (length + 63) / 64 * 64; ++i) {
        ASSERT_EQ((marks[i / 64] >> (i % 64)) & 1U, i < length ? 1U : 0U) << kernels.name;
      }
      for (std::size_t word = (length + 63) / 64; word < 4; ++word) EXPECT_EQ(marks[word], 0x5aU);
    }
  }
}

}  // namespace
}  // namespace starling::optim
