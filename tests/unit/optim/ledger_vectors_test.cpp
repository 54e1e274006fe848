#include <gtest/gtest.h>

#include "crypto/digest.h"
#include "tests/support/ledger_vectors.h"
#include "tests/support/source_dir.h"

namespace starling::optim {
namespace {

using starling::testing::Grid;
using starling::testing::LedgerCase;

std::vector<LedgerCase> cases() {
  return starling::testing::read_ledger_cases(STARLING_SOURCE_DIR
                                              "/tests/vectors/ledger/votes.json");
}

std::string digest_of_grid(const Grid& grid) {
  Bytes bytes;
  for (const std::int32_t value : grid) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
      bytes.push_back(static_cast<std::uint8_t>(static_cast<std::uint32_t>(value) >> shift));
    }
  }
  return crypto::digest_of(bytes).hex();
}

TEST(LedgerVectors, TheDefinitionGivesTheDigestsOfTheIndependentImplementation) {
  for (const LedgerCase& of : cases()) {
    EXPECT_EQ(digest_of_grid(replay_by_definition(of)), of.digest) << of.name;
  }
}

TEST(LedgerVectors, EveryKernelGivesTheDigestsOfTheIndependentImplementation) {
  for (const LedgerCase& of : cases()) {
    for (const auto& kernels : usable_kernels()) {
      EXPECT_EQ(digest_of_grid(replay_by_tiles(of, kernels)), of.digest)
          << of.name << ' ' << kernels.name;
      const auto one_by_one = replay_vote_by_vote(of, kernels);
      EXPECT_TRUE(!one_by_one || digest_of_grid(*one_by_one) == of.digest)
          << of.name << ' ' << kernels.name;
    }
  }
}

TEST(LedgerVectors, AReplicaFollowsEverySchedule) {
  int scheduled = 0;
  for (const LedgerCase& of : cases()) {
    const auto grid = replay_by_replica(of, best_kernels());
    if (!grid) continue;
    EXPECT_EQ(digest_of_grid(*grid), of.digest) << of.name;
    ++scheduled;
  }
  EXPECT_GE(scheduled, 6);
}

}  // namespace
}  // namespace starling::optim
