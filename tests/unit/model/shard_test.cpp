#include "model/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace starling::model {
namespace {

using testing::HasSubstr;

/// `count` labels, the classes 0 to 9 in turn.
std::vector<Label> balanced_labels(std::size_t count) {
  std::vector<Label> labels(count);
  for (std::size_t i = 0; i < count; ++i) labels[i] = static_cast<Label>(i % 10);
  return labels;
}

std::vector<std::uint32_t> rows_of(std::span<const Label> labels, const std::string& rule,
                                   std::uint32_t nodes, std::uint32_t node,
                                   std::uint64_t seed = 1) {
  return shard_rows(labels, {parse_shard_rule(rule).value(), nodes, seed}, node).value();
}

std::set<Label> classes_of(std::span<const Label> labels, std::span<const std::uint32_t> rows) {
  std::set<Label> classes;
  for (const auto row : rows) classes.insert(labels[row]);
  return classes;
}

class EveryRule : public testing::TestWithParam<const char*> {};

TEST_P(EveryRule, GivesEachSampleToExactlyOneNodeAndEachNodeASample) {
  for (const std::size_t count : {16U, 17U, 100U, 1000U}) {
    const auto labels = balanced_labels(count);
    for (const std::uint32_t nodes : {1U, 3U, 16U}) {
      std::vector<int> owners(labels.size(), 0);
      for (std::uint32_t node = 0; node < nodes; ++node) {
        const auto rows = rows_of(labels, GetParam(), nodes, node);
        EXPECT_FALSE(rows.empty());
        EXPECT_TRUE(std::ranges::is_sorted(rows));
        for (const auto row : rows) ++owners.at(row);
      }
      EXPECT_EQ(std::ranges::count(owners, 1), std::ssize(owners)) << nodes << " nodes";
    }
  }
}

TEST_P(EveryRule, IsAFunctionOfTheSeed) {
  const auto labels = balanced_labels(500);
  EXPECT_EQ(rows_of(labels, GetParam(), 4, 2, 7), rows_of(labels, GetParam(), 4, 2, 7));
  EXPECT_NE(rows_of(labels, GetParam(), 4, 2, 7), rows_of(labels, GetParam(), 4, 2, 8));
}

INSTANTIATE_TEST_SUITE_P(Shard, EveryRule,
                         testing::Values("iid", "dirichlet:0.1", "dirichlet:1e-9", "dirichlet:100",
                                         "labels:1", "labels:2", "labels:99"));

TEST(Shard, IidSharesDifferByAtMostOneSample) {
  const auto labels = balanced_labels(1003);
  for (std::uint32_t node = 0; node < 8; ++node) {
    const auto size = rows_of(labels, "iid", 8, node).size();
    EXPECT_GE(size, 125U);
    EXPECT_LE(size, 126U);
  }
}

TEST(Shard, LabelsGivesEachNodeKClasses) {
  const auto labels = balanced_labels(1000);
  for (std::uint32_t node = 0; node < 10; ++node) {
    EXPECT_EQ(classes_of(labels, rows_of(labels, "labels:2", 10, node)).size(), 2U);
  }
}

TEST(Shard, LabelsIsRaisedUntilEveryClassHasAHolder) {
  const auto labels = balanced_labels(100);
  for (std::uint32_t node = 0; node < 2; ++node) {
    EXPECT_EQ(classes_of(labels, rows_of(labels, "labels:1", 2, node)).size(), 5U);
  }
}

/// Mean over seeds of sum_i p_i^2, p_i being node i's share of one class.
double mean_concentration(double alpha, std::uint32_t nodes) {
  constexpr int seeds = 400;
  constexpr std::size_t samples = 1000;
  const std::vector<Label> labels(samples, Label{0});
  double sum = 0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    for (std::uint32_t node = 0; node < nodes; ++node) {
      const auto rows =
          shard_rows(labels, {{Skew::dirichlet, alpha, 0}, nodes, seed}, node).value();
      sum += std::pow(static_cast<double>(rows.size()) / samples, 2);
    }
  }
  return sum / seeds;
}

// E[sum p_i^2] of a symmetric Dirichlet over n corners is (alpha + 1) / (n alpha + 1).
TEST(Shard, DirichletSharesHaveTheSecondMomentOfTheirDistribution) {
  for (const double alpha : {0.1, 0.5, 1.0, 5.0}) {
    EXPECT_NEAR(mean_concentration(alpha, 4), (alpha + 1) / (4 * alpha + 1), 0.04) << alpha;
  }
}

TEST(Shard, RulesThatMakeNoSenseAreRefusedWithTheForms) {
  for (const char* text : {"", "IID", "dirichlet", "dirichlet:", "dirichlet:0", "dirichlet:-1",
                           "dirichlet:nan", "dirichlet:inf", "dirichlet:1x", "labels:0",
                           "labels:-1", "labels:1.5", "labels:99999999999"}) {
    const auto rule = parse_shard_rule(text);
    ASSERT_FALSE(rule) << text;
    EXPECT_EQ(rule.error().kind, ErrorKind::invalid_input);
    EXPECT_THAT(rule.error().message,
                HasSubstr("skew is '" + std::string(text) + "', expected iid, dirichlet:ALPHA"));
  }
}

TEST(Shard, MoreNodesThanSamplesAreRefused) {
  const auto rows = shard_rows(balanced_labels(3), {{}, 4, 0}, 0);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().message, "3 samples for 4 nodes, expected at least one each");
}

TEST(Shard, ANodeOutsideTheFlockIsRefused) {
  const auto rows = shard_rows(balanced_labels(9), {{}, 4, 0}, 4);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().message, "node index is 4, expected below 4");
}

}  // namespace
}  // namespace starling::model
