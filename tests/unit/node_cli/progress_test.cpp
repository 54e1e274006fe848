#include "node/cli/progress.h"

#include <gtest/gtest.h>

#include <limits>

namespace starling::cli {
namespace {

TEST(ProgressText, NamesNoFigureThatDoesNotExistYet) {
  NodeStatus status;
  status.steps_total = 200;
  status.accuracy = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(progress_text(status),
            "step 0/200, loss unknown, accuracy unknown, 0 neighbours, 0 B sent, 0 B received");
}

TEST(ProgressText, NamesStepLossAccuracyNeighboursAndBytes) {
  NodeStatus status;
  status.step = 10;
  status.steps_total = 200;
  status.loss = 0.51239;
  status.accuracy = 0.8325;
  status.neighbours.resize(1);
  status.bytes_sent = 999;
  status.bytes_received = 1'250'000;
  EXPECT_EQ(progress_text(status),
            "step 10/200, loss 0.5124, accuracy 83.25 %, 1 neighbour, 999 B sent, 1.2 MB received");
}

}  // namespace
}  // namespace starling::cli
