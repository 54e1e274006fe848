#include "node/runtime/worker_team.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

namespace starling::runtime {
namespace {

TEST(WorkerTeam, DoesEachPieceOnce) {
  for (const std::size_t size : {1U, 2U, 5U}) {
    WorkerTeam team(size);
    for (std::size_t count = 0; count < 200; ++count) {
      std::vector<int> done(count);
      team.run(count, [&](std::size_t i) { done[i] += 1; });
      ASSERT_EQ(done, std::vector<int>(count, 1)) << size << " threads";
    }
  }
}

TEST(WorkerTeam, WorksOnAsManyPiecesAtOnceAsItHasThreads) {
  WorkerTeam team(3);
  std::latch all_begun(3);
  team.run(3, [&](std::size_t) { all_begun.arrive_and_wait(); });
  EXPECT_TRUE(all_begun.try_wait());
}

TEST(WorkerTeam, WorksOnTheCallersThreadWhenItIsAlone) {
  WorkerTeam team(1);
  const auto caller = std::this_thread::get_id();
  team.run(4, [&](std::size_t) { EXPECT_EQ(std::this_thread::get_id(), caller); });
}

TEST(WorkerTeam, HasFinishedEverythingWhenItReturns) {
  WorkerTeam team(4);
  std::atomic<int> finished = 0;
  for (int round = 1; round <= 100; ++round) {
    team.run(7, [&](std::size_t) { ++finished; });
    ASSERT_EQ(finished, 7 * round);
  }
}

}  // namespace
}  // namespace starling::runtime
