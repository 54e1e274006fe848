#include "optim/ledger/movement.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "optim/ledger/moving_grid.h"
#include "optim/ledger/segment_factors.h"
#include "tests/unit/optim/ledger_support.h"

namespace starling::optim {
namespace {

/// A perceptron of 3,000-20-10: boundaries within groups, and whole groups.
std::vector<Segment> perceptron() {
  return {{"layers.0.weight", 0, {20, 3000}},
          {"layers.0.bias", 60'000, {20}},
          {"layers.1.weight", 60'020, {10, 20}},
          {"layers.1.bias", 60'220, {10}}};
}
constexpr std::size_t parameter_count = 60'230;

LedgerRecipe rule_with(const std::string& segment_factors, std::uint32_t parts = 1) {
  LedgerRecipe rule;
  rule.segment_factors = segment_factors;
  rule.parts = parts;
  return rule;
}

Movement movement_with(const std::string& segment_factors, std::uint32_t parts = 1) {
  return Movement::create(rule_with(segment_factors, parts), parameter_count, perceptron()).value();
}

std::string error_of(const std::string& segment_factors, std::vector<Segment> segments) {
  const auto movement = Movement::create(rule_with(segment_factors), parameter_count, segments);
  return movement ? "no error" : movement.error().message;
}

/// The factor of every parameter of the model in a step of this part; 0 where it does not move.
std::vector<std::uint32_t> factors_in(const Movement& movement, std::size_t part) {
  std::vector<std::uint32_t> factors(parameter_count);
  std::size_t next = 0;
  for (const Stretch& stretch : movement.stretches(part)) {
    EXPECT_EQ(stretch.first, next);
    next += stretch.length;
    for (std::size_t k = 0; k < stretch.length; ++k) {
      EXPECT_EQ(factors.at(stretch.offset + k), 0U);
      factors[stretch.offset + k] = 1U << stretch.shift;
    }
  }
  return factors;
}

TEST(SegmentFactors, AreReadAsPatternsWithFactors) {
  const auto factors = parse_segment_factors(" layers.0.*=0, *.bias = 4 ,x=1024");
  ASSERT_TRUE(factors) << factors.error().message;
  ASSERT_EQ(factors->size(), 3U);
  EXPECT_EQ((*factors)[0].pattern, "layers.0.*");
  EXPECT_EQ((*factors)[0].factor, 0U);
  EXPECT_EQ((*factors)[1].pattern, "*.bias");
  EXPECT_EQ((*factors)[1].factor, 4U);
  EXPECT_EQ((*factors)[2].factor, 1024U);
  EXPECT_TRUE(parse_segment_factors("")->empty());
}

TEST(SegmentFactors, RefuseWhatIsNoPatternWithAPowerOfTwo) {
  for (const std::string text : {"a", "=1", "a=", "a=3", "a=2048", "a=-1", "a=1.0", "a=1,,b=1"}) {
    EXPECT_FALSE(parse_segment_factors(text)) << text;
  }
}

TEST(SegmentFactors, AStarStandsForAnyCharacters) {
  EXPECT_TRUE(matches_pattern("layers.0.bias", "layers.0.bias"));
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("*.bias", "layers.0.bias"));
  EXPECT_TRUE(matches_pattern("l*s.*s", "layers.0.bias"));
  EXPECT_TRUE(matches_pattern("*ab", "aab"));
  EXPECT_FALSE(matches_pattern("layers.0", "layers.0.bias"));
  EXPECT_FALSE(matches_pattern("*.bias", "layers.0.weight"));
  EXPECT_FALSE(matches_pattern("", "x"));
  EXPECT_FALSE(matches_pattern("a*b*c", "acb"));
}

TEST(Movement, MovesTheWholeModelByDefault) {
  const Movement movement({}, parameter_count);
  EXPECT_EQ(movement.stretches(movement.part(17)),
            (std::vector<Stretch>{{.length = parameter_count}}));
  EXPECT_EQ(movement.active_count(), parameter_count);
}

TEST(Movement, LetsTheFirstPatternThatMatchesDecide) {
  const auto factors = factors_in(movement_with("layers.0.weight=0, layers.0.*=8, *.bias=2"), 0);
  for (std::size_t i = 0; i < parameter_count; ++i) {
    const std::uint32_t expected = i < 60'000 ? 0 : i < 60'020 ? 8 : i < 60'220 ? 1 : 2;
    ASSERT_EQ(factors[i], expected) << i;
  }
}

TEST(Movement, JoinsSegmentsThatMoveAlike) {
  EXPECT_EQ(
      movement_with("layers.0.*=1, layers.1.weight=2").stretches(0),
      (std::vector<Stretch>{{0, 0, 60'020, 0}, {60'020, 60'020, 200, 1}, {60'220, 60'220, 10, 0}}));
}

TEST(Movement, DealsTheMovingParametersToPartsInBlocksOf128) {
  constexpr std::uint32_t parts = 5;
  const Movement movement = movement_with("layers.0.bias=0, layers.1.weight=4", parts);
  std::vector<std::vector<std::uint32_t>> of_part;
  for (Step step = 10; step < 10 + parts; ++step) {
    EXPECT_EQ(movement.part(step), step % parts);
    of_part.push_back(factors_in(movement, movement.part(step)));
  }
  const auto whole = factors_in(movement_with("layers.0.bias=0, layers.1.weight=4"), 0);
  std::size_t number = 0;
  for (std::size_t i = 0; i < parameter_count; ++i) {
    for (std::size_t part = 0; part < parts; ++part) {
      const bool moves = whole[i] != 0 && number / 128 % parts == part;
      ASSERT_EQ(of_part[part][i], moves ? whole[i] : 0) << i;
    }
    number += whole[i] != 0 ? 1U : 0U;
  }
  EXPECT_EQ(movement.active_count(), 60'210.0 / parts);
}

TEST(Movement, TakesRowsForTheParametersThatAStepMoves) {
  EXPECT_EQ(movement_with("layers.0.*=0").rows(), 256U);          // 210 parameters
  EXPECT_EQ(movement_with("", 30).rows(), 2048U);                 // 16 blocks of 128
  EXPECT_EQ(movement_with("layers.0.*=0", 65'536).rows(), 128U);  // no more parts than blocks
}

TEST(Movement, RefusesFactorsThatDoNotFitTheModel) {
  EXPECT_EQ(error_of("layer.0=2", perceptron()),
            "votes.segment_factors: 'layer.0' matches no segment of the model; there are: "
            "layers.0.weight layers.0.bias layers.1.weight layers.1.bias");
  EXPECT_EQ(error_of("*=0", perceptron()), "votes.segment_factors freezes the whole model");
  EXPECT_EQ(error_of("a=2", {{"a", 0, {10}}, {"b", 9, {10}}}),
            "segment 'b' overlaps another or ends beyond the 60230 parameters of the model");
  EXPECT_EQ(error_of("a=2", {{"a", 60'229, {2}}}),
            "segment 'a' overlaps another or ends beyond the 60230 parameters of the model");
}

struct Case {
  std::string segment_factors;
  std::uint32_t parts;
};

class MovingGridOf : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const Movement movement = movement_with(GetParam().segment_factors, GetParam().parts);
    stretches_ = movement.stretches(GetParam().parts / 2);
    rows_ = movement.rows();
    grid_ = test::random_grid(parameter_count, rng_);
  }

  void add_naive(const PhiloxKey& signs, const RowVote& vote, std::vector<std::int32_t>& grid) {
    for (const Stretch& stretch : stretches_) add_vote_naive(signs, vote, stretch, grid);
  }

  Rng rng_{1};
  std::vector<Stretch> stretches_;
  std::uint32_t rows_ = 0;
  std::vector<std::int32_t> grid_;
};

TEST_P(MovingGridOf, SweepsToTheNaiveSumWithEveryKernel) {
  auto expected = grid_;
  const auto tiles = test::random_tiles(
      3, rows_, rng_,
      [&](const PhiloxKey& signs, const RowVote& vote) { add_naive(signs, vote, expected); });
  for (const auto& kernels : usable_kernels()) {
    auto grid = grid_;
    MovingGrid{grid, stretches_, kernels}.sweep(tiles);
    EXPECT_EQ(grid, expected) << kernels.name;
  }
}

TEST_P(MovingGridOf, PerturbsWhatMovesAndLeavesTheRest) {
  const StepKeys keys = step_keys(test::id_of<RunId>(1), 0);
  const RowVote vote = test::random_votes(1, rows_, rng_)[0];
  std::vector<float> before(parameter_count);
  from_grid(grid_, before);
  auto moved = grid_;
  add_naive(keys.signs, vote, moved);
  std::vector<float> expected(parameter_count);
  from_grid(moved, expected);
  for (const auto& kernels : usable_kernels()) {
    auto out = before;
    MovingGrid{grid_, stretches_, kernels}.perturb(keys.signs, vote, out);
    EXPECT_EQ(out, expected) << kernels.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, MovingGridOf,
                         testing::Values(Case{"", 1}, Case{"layers.0.weight=0", 1},
                                         Case{"layers.0.weight=4, *.bias=1024", 1}, Case{"", 3},
                                         Case{"layers.0.bias=0, layers.1.*=2", 16},
                                         Case{"", 65'536}));

}  // namespace
}  // namespace starling::optim
