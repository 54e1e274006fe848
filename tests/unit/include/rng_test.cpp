#include "starling/rng.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace starling {
namespace {

TEST(Rng, SameSeedGivesTheSameSequence) {
  Rng first(7);
  Rng second(7);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(first.next(), second.next());
}

TEST(Rng, StreamsOfOneSeedDiffer) {
  std::set<std::uint64_t> firsts;
  for (std::uint64_t stream = 0; stream < 1000; ++stream) {
    firsts.insert(Rng::for_stream(1, stream).next());
  }
  EXPECT_EQ(firsts.size(), 1000U);
}

TEST(Rng, NormalHasZeroMeanAndUnitVariance) {
  Rng rng(3);
  constexpr int draws = 200'000;
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < draws; ++i) {
    const double value = rng.normal();
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / draws, 0.0, 0.01);
  EXPECT_NEAR(squares / draws, 1.0, 0.02);
}

TEST(Rng, ShuffleKeepsEveryElement) {
  std::array<int, 10> items{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  Rng rng(5);
  rng.shuffle(std::span<int>(items));
  EXPECT_EQ(std::set<int>(items.begin(), items.end()).size(), items.size());
}

}  // namespace
}  // namespace starling
