#include "model/batch_sampler.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace starling::model {
namespace {

using Rows = std::vector<std::uint32_t>;

Rows rows_of(BatchSampler& sampler, const BatchKey& key) {
  const auto rows = sampler.rows(key);
  return {rows.begin(), rows.end()};
}

TEST(BatchSampler, AnEpochVisitsEverySampleOnce) {
  BatchSampler sampler(40);
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    std::multiset<std::uint32_t> seen;
    for (std::uint64_t i = 0; i < 5; ++i) {
      for (const auto row : rows_of(sampler, {1, epoch * 5 + i, 8})) seen.insert(row);
    }
    EXPECT_EQ(seen.size(), 40U);
    EXPECT_EQ(std::set(seen.begin(), seen.end()).size(), 40U);
  }
}

// Of 200 samples in 1000 batches each is drawn 100 times on average, with a deviation of 9.5 if the
// draws are independent; batches have 20 samples with a deviation of 4.2.
TEST(BatchSampler, PoissonBatchesDrawEverySampleByItself) {
  BatchSampler sampler(200);
  std::vector<double> counts(200);
  double squares = 0;
  for (std::uint64_t step = 0; step < 1000; ++step) {
    const Rows rows = rows_of(sampler, {.seed = 5, .step = step, .size = 20, .is_poisson = true});
    EXPECT_EQ(std::set(rows.begin(), rows.end()).size(), rows.size());
    for (const auto row : rows) counts[row] += 1;
    squares += (static_cast<double>(rows.size()) - 20) * (static_cast<double>(rows.size()) - 20);
  }
  for (const double count : counts) EXPECT_NEAR(count, 100, 5 * 9.5);
  EXPECT_NEAR(squares / 1000, 200 * 0.1 * 0.9, 3);
}

TEST(BatchSampler, EpochsAndSeedsDifferInOrder) {
  BatchSampler sampler(40);
  EXPECT_NE(rows_of(sampler, {1, 0, 8}), rows_of(sampler, {1, 5, 8}));
  EXPECT_NE(rows_of(sampler, {1, 0, 8}), rows_of(sampler, {2, 0, 8}));
}

TEST(BatchSampler, AKeyGivesTheSameRowsInAnyOrderOfCalls) {
  BatchSampler forward(30);
  BatchSampler backward(30);
  std::vector<Rows> seen;
  for (std::uint64_t step = 0; step < 20; ++step) seen.push_back(rows_of(forward, {3, step, 7}));
  for (std::uint64_t step = 20; step-- > 0;) {
    EXPECT_EQ(rows_of(backward, {3, step, 7}), seen[step]);
  }
}

TEST(BatchSampler, AskedForMoreThanThereIsItGivesAll) {
  BatchSampler sampler(3);
  EXPECT_EQ(rows_of(sampler, {1, 9, 32}).size(), 3U);
}

}  // namespace
}  // namespace starling::model
