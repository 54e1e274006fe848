#include "optim/ledger/direction.h"

#include <Random123/philox.h>
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "optim/ledger/naive_sum.h"
#include "tests/unit/optim/ledger_support.h"

// The reference library defines its convenience call as a macro of our name.
#undef philox4x32

namespace starling::optim {
namespace {

TEST(Philox, GivesTheKnownWordsForZero) {
  EXPECT_EQ(philox4x32({}, {}),
            (PhiloxCounter{0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U}));
}

TEST(Philox, EqualsTheReferenceLibraryForRandomInputs) {
  Rng rng(1);
  const auto word = [&rng] { return static_cast<std::uint32_t>(rng.next()); };
  for (int i = 0; i < 1000; ++i) {
    const PhiloxCounter counter{word(), word(), word(), word()};
    const PhiloxKey key{word(), word()};
    const auto expected =
        r123::Philox4x32()({{counter[0], counter[1], counter[2], counter[3]}}, {{key[0], key[1]}});
    const PhiloxCounter got = philox4x32(counter, key);
    for (std::size_t w = 0; w < got.size(); ++w) ASSERT_EQ(got[w], expected[w]);
  }
}

/// The direction as -1 and 1: what the definition subtracts for a step of -1.
std::vector<std::int32_t> direction(const StepKeys& keys, std::uint32_t row, std::size_t size) {
  std::vector<std::int32_t> signs(size);
  add_vote_naive(keys.signs, {row, 0U - 1U}, signs);
  return signs;
}

std::int64_t dot(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::int64_t{a[i]} * b[i];
  return sum;
}

TEST(Direction, RowsOfOneStepAreOrthogonal) {
  constexpr std::uint32_t rows = 64;
  const StepKeys keys = step_keys(test::id_of<RunId>(1), 3);
  for (std::uint32_t a = 0; a < rows; ++a) {
    for (std::uint32_t b = 0; b < rows; ++b) {
      ASSERT_EQ(dot(direction(keys, a, 3 * rows), direction(keys, b, 3 * rows)),
                a == b ? 3 * rows : 0);
    }
  }
}

TEST(Direction, SignsOfDifferentStepsAndRunsAreUncorrelated) {
  constexpr std::size_t size = 100'000;
  const auto signs = [](std::uint64_t run, Step step) {
    return direction(step_keys(test::id_of<RunId>(run), step), 0, size);
  };
  const auto first = signs(1, 1);
  // Five standard deviations of a sum of independent signs.
  EXPECT_LT(std::abs(dot(first, signs(1, 2))), 1600);
  EXPECT_LT(std::abs(dot(first, signs(2, 1))), 1600);
  EXPECT_LT(std::abs(dot(first, std::vector<std::int32_t>(size, 1))), 1600);
}

TEST(Direction, AnAuthorsProbesOfOneStepHaveDistinctRows) {
  constexpr std::uint32_t rows = 1024;
  const StepKeys keys = step_keys(test::id_of<RunId>(1), 7);
  for (std::uint64_t node = 0; node < 20; ++node) {
    const AuthorStream author(keys, test::id_of<NodeId>(node), Directions::own);
    std::set<std::uint32_t> seen;
    for (std::uint32_t probe = 500; probe < 500 + rows; ++probe) {
      seen.insert(author.row(probe, rows));
    }
    EXPECT_EQ(seen.size(), rows);
    EXPECT_LT(*seen.rbegin(), rows);
  }
}

TEST(Direction, AuthorsRowsMeetNoOftenerThanByChance) {
  constexpr std::uint32_t rows = 8192;
  constexpr std::uint32_t probes = 64;
  int meetings = 0;
  for (Step step = 0; step < 100; ++step) {
    const StepKeys keys = step_keys(test::id_of<RunId>(1), step);
    std::set<std::uint32_t> seen;
    for (std::uint64_t node = 0; node < 2; ++node) {
      const AuthorStream author(keys, test::id_of<NodeId>(node), Directions::own);
      for (std::uint32_t probe = 0; probe < probes; ++probe) {
        meetings += seen.insert(author.row(probe, rows)).second ? 0 : 1;
      }
    }
  }
  EXPECT_NEAR(meetings, 100.0 * probes * probes / rows, 40);  // 50 +- 5.6 standard deviations
}

TEST(Direction, SharedRowsAreThoseOfTheZeroAuthorAndRoundingStaysTheAuthorsOwn) {
  constexpr std::uint32_t rows = 8192;
  const StepKeys keys = step_keys(test::id_of<RunId>(1), 7);
  const AuthorStream zero(keys, NodeId{}, Directions::own);
  const AuthorStream own(keys, test::id_of<NodeId>(1), Directions::own);
  const AuthorStream shared(keys, test::id_of<NodeId>(1), Directions::shared);
  for (std::uint32_t probe = 0; probe < 100; ++probe) {
    EXPECT_EQ(shared.row(probe, rows), zero.row(probe, rows));
    EXPECT_EQ(shared.rounding_bits(probe), own.rounding_bits(probe));
  }
  EXPECT_NE(own.rounding_bits(0), zero.rounding_bits(0));
}

TEST(Direction, TakesNoMoreRowsThanTellParametersApart) {
  EXPECT_EQ(hadamard_rows(8192, 1), 1U);
  EXPECT_EQ(hadamard_rows(8192, 10), 16U);
  EXPECT_EQ(hadamard_rows(8192, 7850), 8192U);
  EXPECT_EQ(hadamard_rows(8192, 100'000'000), 8192U);
  EXPECT_EQ(hadamard_rows(65'536, 100'000'000), 65'536U);
}

}  // namespace
}  // namespace starling::optim
