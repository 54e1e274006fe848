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
