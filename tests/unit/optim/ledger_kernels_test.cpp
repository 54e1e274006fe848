#include "optim/ledger/kernels.h"

#include <gtest/gtest.h>

#include "optim/ledger/tile.h"
#include "tests/unit/optim/ledger_support.h"

namespace starling::optim {
namespace {

struct Case {
  std::size_t groups;
  std::uint32_t rows;
  std::size_t votes;
};

constexpr Case cases[] = {{1, 1, 3}, {1, 16, 40}, {3, 128, 1}, {5, 4096, 33}, {9, 8192, 300}};

class LedgerKernels : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    Rng rng(GetParam().groups);
    keys_ = step_keys(test::id_of<RunId>(1), rng.next());
    grid_ = test::random_grid(GetParam().groups * group_size, rng);
    votes_ = test::random_votes(GetParam().votes, GetParam().rows, rng);
    expected_ = grid_;
    for (const RowVote& vote : votes_) add_vote_naive(keys_.signs, vote, expected_);
  }

  /// The votes, summed and transformed.
  [[nodiscard]] std::vector<StepTile> tile_with(const optim::LedgerKernels& kernels) const {
    std::vector<StepTile> tiles(1, StepTile(keys_.signs, GetParam().rows));
    for (const RowVote& vote : votes_) tiles[0].add(vote);
    tiles[0].transform(kernels);
    return tiles;
  }

  StepKeys keys_;
  std::vector<std::int32_t> grid_;
  std::vector<std::int32_t> expected_;
  std::vector<RowVote> votes_;
};

TEST_P(LedgerKernels, AddVotesEqualsTheNaiveSum) {
  for (const auto& kernels : usable_kernels()) {
    auto grid = grid_;
    kernels.add_votes({grid, 0}, keys_.signs, votes_);
    EXPECT_EQ(grid, expected_) << kernels.name;
  }
}

TEST_P(LedgerKernels, TileEqualsTheNaiveSum) {
  for (const auto& kernels : usable_kernels()) {
    auto grid = grid_;
    sweep_tiles({grid, 0}, tile_with(kernels), kernels);
    EXPECT_EQ(grid, expected_) << kernels.name;
  }
}

TEST_P(LedgerKernels, PartsGiveTheSameAsTheWhole) {
  const std::size_t first = GetParam().groups / 2;
  for (const auto& kernels : usable_kernels()) {
    auto grid = grid_;
    const std::span whole(grid);
    sweep_tiles({whole.subspan(first * group_size), first}, tile_with(kernels), kernels);
    kernels.add_votes({whole.first(first * group_size), 0}, keys_.signs, votes_);
    EXPECT_EQ(grid, expected_) << kernels.name;
  }
}

TEST_P(LedgerKernels, PerturbIsTheExactFloatOfTheNaiveSum) {
  auto expected = grid_;
  add_vote_naive(keys_.signs, votes_[0], expected);
  for (const auto& kernels : usable_kernels()) {
    std::vector<float> out(grid_.size());
    kernels.perturb({grid_, 0}, keys_.signs, votes_[0], out.data());
    for (std::size_t i = 0; i < out.size(); ++i) {
      ASSERT_EQ(out[i], from_grid(expected[i])) << kernels.name << " at " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, LedgerKernels, testing::ValuesIn(cases));

TEST(LedgerKernels, OneSweepOfSeveralStepsEqualsOneStepAfterAnother) {
  constexpr std::uint32_t rows = 4096;
  Rng rng(4);
  auto expected = test::random_grid(7 * group_size, rng);
  auto grid = expected;
  const auto tiles = test::random_tiles(
      5, rows, rng,
      [&](const PhiloxKey& signs, const RowVote& vote) { add_vote_naive(signs, vote, expected); });
  sweep_tiles({grid, 0}, tiles, best_kernels());
  EXPECT_EQ(grid, expected);
}

TEST(LedgerKernels, TransformTwiceIsTheLengthTimesTheInput) {
  Rng rng(5);
  std::vector<std::uint32_t> input(1024);
  for (auto& value : input) value = static_cast<std::uint32_t>(rng.next());
  for (const auto& kernels : usable_kernels()) {
    auto values = input;
    kernels.transform(values);
    kernels.transform(values);
    for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], input[i] * 1024U);
  }
}

}  // namespace
}  // namespace starling::optim
