#include "node/runtime/leave_triggers.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>

namespace starling::runtime {
namespace {

using namespace std::chrono_literals;

struct Counts {
  int left = 0;
  int ended = 0;
};

class LeaveTriggersTest : public ::testing::Test {
 protected:
  void run_until(const int& count) {
    while (count == 0) ASSERT_GT(network_.run_one_for(20s), 0U);
  }

  asio::io_context network_;
  Counts counts_;
};

class LeaveSignals : public LeaveTriggersTest, public ::testing::WithParamInterface<int> {};

TEST_P(LeaveSignals, TheFirstSignalLeavesAndTheNextEnds) {
  LeaveTriggers triggers(
      network_, {.leave = [this] { ++counts_.left; }, .end_now = [this] { ++counts_.ended; }});
  triggers.watch_signals();
  std::raise(GetParam());
  run_until(counts_.left);
  EXPECT_EQ(counts_.ended, 0);
  std::raise(SIGINT);
  run_until(counts_.ended);
  EXPECT_EQ(counts_.left, 1);
}

INSTANTIATE_TEST_SUITE_P(LeaveTriggers, LeaveSignals, ::testing::Values(SIGINT, SIGTERM, SIGHUP));

TEST_F(LeaveTriggersTest, AProcessThatIsToSurviveItsTerminalDoes) {
  std::signal(SIGHUP, SIG_IGN);  // as nohup has it
  LeaveTriggers triggers(
      network_, {.leave = [this] { ++counts_.left; }, .end_now = [this] { ++counts_.ended; }});
  triggers.watch_signals();
  std::raise(SIGHUP);
  network_.poll();
  EXPECT_EQ(counts_.left, 0);
  std::signal(SIGHUP, SIG_DFL);
}

}  // namespace
}  // namespace starling::runtime
