// A node that is alone goes on as fast as it did in company.

#include "node/core/company_pace.h"

#include <gtest/gtest.h>

namespace starling::node {
namespace {

using namespace std::chrono_literals;

Instant at(Duration since_start) {
  return {since_start};
}

void expect_near(Instant seen, Instant expected) {
  EXPECT_LE(seen, expected + 1ms);
  EXPECT_GE(seen + 1ms, expected);
}

TEST(CompanyPace, ANodeThatNeverHadCompanyWaitsForNothing) {
  CompanyPace pace;
  for (Step step = 1; step < 10; ++step) pace.on_step(step, false, at(step * 1ms));
  EXPECT_LE(pace.next_at(false, 1), at(0s));
}

TEST(CompanyPace, InCompanyNothingIsHeldBack) {
  CompanyPace pace;
  for (Step step = 1; step < 10; ++step) pace.on_step(step, true, at(step * 1s));
  EXPECT_LE(pace.next_at(true, 1), at(0s));
}

TEST(CompanyPace, AloneEachStepTakesAsLongAsInCompany) {
  CompanyPace pace;
  for (Step step = 1; step <= 10; ++step) pace.on_step(step, true, at(step * 200ms));
  expect_near(pace.next_at(false, 1), at(2200ms));
  expect_near(pace.next_at(false, 5), at(3000ms));
  pace.on_step(11, false, at(2201ms));  // fast, but alone
  expect_near(pace.next_at(false, 1), at(2401ms));
}

TEST(CompanyPace, OneLongWaitForALostPeerIsNoPace) {
  CompanyPace pace;
  for (Step step = 1; step <= 10; ++step) pace.on_step(step, true, at(step * 100ms));
  pace.on_step(11, true, at(60s));
  EXPECT_LE(pace.next_at(false, 1), at(60s + 300ms));
}

TEST(CompanyPace, BurstsAndTheWaitsBetweenThemAreOnePace) {
  CompanyPace pace;
  Duration now{0};
  for (Step step = 1; step <= 500; ++step) {
    now += step % 10 == 0 ? 91ms : 1ms;  // ten steps in 100 ms
    pace.on_step(step, true, at(now));
  }
  for (Step step = 501; step <= 505; ++step) pace.on_step(step, true, at(now += 1ms));
  const Duration step_time = pace.next_at(false, 1).since_start - now;
  EXPECT_GE(step_time, 7ms);
  EXPECT_LE(step_time, 13ms);
}

}  // namespace
}  // namespace starling::node
