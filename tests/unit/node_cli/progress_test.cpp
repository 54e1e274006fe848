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

TEST(TimeText, IsADateThatProgramsRead) {
  EXPECT_EQ(time_text({0}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(time_text({951'782'400}), "2000-02-29T00:00:00Z");
}

TEST(AgoText, CountsInTheUnitThatAPersonWouldUse) {
  const UnixSeconds now{1'000'000};
  EXPECT_EQ(ago_text(now, now), "0 s ago");
  EXPECT_EQ(ago_text({now.value + 5}, now), "0 s ago");  // the clock was set back
  EXPECT_EQ(ago_text({now.value - 119}, now), "119 s ago");
  EXPECT_EQ(ago_text({now.value - 120}, now), "2 min ago");
  EXPECT_EQ(ago_text({now.value - 7200}, now), "2 h ago");
  EXPECT_EQ(ago_text({now.value - 3 * 86'400}, now), "3 days ago");
}

}  // namespace
}  // namespace starling::cli
