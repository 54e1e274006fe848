#include "optim/clock/schedule.h"

#include <gtest/gtest.h>

namespace starling::optim {
namespace {

TEST(Schedule, ConstantStaysAtOne) {
  for (const Step step : {0U, 50U, 99U, 1000U}) EXPECT_EQ(schedule_factor({}, step, 100), 1.0);
}

TEST(Schedule, LinearFallsToItsFloorAndStaysThere) {
  const Schedule schedule{.kind = ScheduleKind::linear, .floor = 0.2};
  EXPECT_DOUBLE_EQ(schedule_factor(schedule, 0, 100), 1.0);
  EXPECT_DOUBLE_EQ(schedule_factor(schedule, 50, 100), 0.6);
  EXPECT_DOUBLE_EQ(schedule_factor(schedule, 100, 100), 0.2);
  EXPECT_DOUBLE_EQ(schedule_factor(schedule, 1000, 100), 0.2);
}

TEST(Schedule, CosinePassesTheMiddleHalfWay) {
  const Schedule schedule{.kind = ScheduleKind::cosine, .floor = 0.1};
  EXPECT_DOUBLE_EQ(schedule_factor(schedule, 0, 100), 1.0);
  EXPECT_DOUBLE_EQ(schedule_factor(schedule, 50, 100), 0.55);
  EXPECT_NEAR(schedule_factor(schedule, 100, 100), 0.1, 1e-12);
}

TEST(Schedule, WarmupRisesToOneBeforeTheFallBegins) {
  const Schedule schedule{.kind = ScheduleKind::linear, .warmup = 0.1};
  EXPECT_DOUBLE_EQ(schedule_factor(schedule, 0, 100), 0.1);
  EXPECT_DOUBLE_EQ(schedule_factor(schedule, 9, 100), 1.0);
  EXPECT_DOUBLE_EQ(schedule_factor(schedule, 10, 100), 1.0);
  EXPECT_DOUBLE_EQ(schedule_factor(schedule, 55, 100), 0.5);
}

TEST(Schedule, SurvivesARunOfNoSteps) {
  EXPECT_EQ(schedule_factor({.kind = ScheduleKind::linear}, 0, 0), 1.0);
}

}  // namespace
}  // namespace starling::optim
