// A node that is alone goes on as fast as it did in company.

#include "node/core/company_pace.h"

#include <gtest/gtest.h>

#include "tests/support/instants.h"

namespace starling::node {
namespace {

using namespace std::chrono_literals;
using testing::at;

/// When a pace that is asked at `now` lets the next `count` steps begin.
Instant begins_at(CompanyPace pace, Company company, Instant now, std::uint64_t count = 1) {
  return pace.may_step(count, company, now) ? now : pace.next_deadline();
}

void expect_near(Instant seen, Instant expected) {
  EXPECT_LE(seen, expected + 1ms);
  EXPECT_GE(seen + 1ms, expected);
}

CompanyPace pace_of_steps(Step steps, Duration step_time, Company company) {
  CompanyPace pace(1);
  pace.start(at(0s));
  for (Step step = 1; step <= steps; ++step) pace.on_step(step, company, at(step * step_time));
  return pace;
}

TEST(CompanyPace, ANodeThatNeverHadCompanyWaitsForNothing) {
  const CompanyPace pace = pace_of_steps(9, 1ms, Company::none);
  EXPECT_EQ(begins_at(pace, Company::none, at(9ms)), at(9ms));
}

TEST(CompanyPace, InCompanyNothingIsHeldBack) {
  const CompanyPace pace = pace_of_steps(9, 1s, Company::trains);
  EXPECT_EQ(begins_at(pace, Company::trains, at(9s)), at(9s));
}

TEST(CompanyPace, AloneEachStepTakesAsLongAsInCompany) {
  CompanyPace pace = pace_of_steps(10, 200ms, Company::trains);
  for (const Company alone : {Company::none, Company::silent}) {
    expect_near(begins_at(pace, alone, at(6s)), at(6s));  // long due
    pace = pace_of_steps(10, 200ms, Company::trains);
    static_cast<void>(pace.may_step(1, Company::trains, at(2s)));  // a partner was there
    expect_near(begins_at(pace, alone, at(2s)), at(2200ms));
    expect_near(begins_at(pace, alone, at(2s), 5), at(3000ms));
  }
  pace.on_step(11, Company::none, at(2201ms));  // fast, but alone
  expect_near(begins_at(pace, Company::none, at(2201ms)), at(2401ms));
}

TEST(CompanyPace, OneLongWaitForALostPeerIsNoPace) {
  CompanyPace pace = pace_of_steps(10, 100ms, Company::trains);
  pace.on_step(11, Company::trains, at(60s));
  EXPECT_LE(begins_at(pace, Company::none, at(60s)), at(60s + 300ms));
}

TEST(CompanyPace, BurstsAndTheWaitsBetweenThemAreOnePace) {
  CompanyPace pace(1);
  Duration now{0};
  for (Step step = 1; step <= 500; ++step) {
    now += step % 10 == 0 ? 91ms : 1ms;  // ten steps in 100 ms
    pace.on_step(step, Company::trains, at(now));
  }
  for (Step step = 501; step <= 505; ++step) {
    now += 1ms;
    pace.on_step(step, Company::trains, at(now));
  }
  const Duration step_time = begins_at(pace, Company::none, at(now)).since_start - now;
  EXPECT_GE(step_time, 7ms);
  EXPECT_LE(step_time, 13ms);
}

TEST(CompanyPace, ASilentNeighbourIsWaitedForAsTrainingBeginsAndNotAgain) {
  CompanyPace pace(0.5);
  pace.start(at(10s));
  EXPECT_FALSE(pace.may_step(1, Company::silent, at(10s)));
  EXPECT_EQ(pace.next_deadline(), at(12500ms));
  EXPECT_EQ(begins_at(pace, Company::none, at(11s)), at(11s)) << "nobody is there to wait for";
  EXPECT_EQ(begins_at(pace, Company::silent, at(12500ms)), at(12500ms));
  EXPECT_TRUE(pace.may_step(1, Company::trains, at(11s)));
  EXPECT_TRUE(pace.may_step(1, Company::silent, at(11s))) << "a partner was there already";
}

TEST(CompanyPace, ADeadlineThatHasPassedCallsForNoMoreTicks) {
  CompanyPace pace(1);
  pace.start(at(0s));
  EXPECT_FALSE(pace.may_step(1, Company::silent, at(0s)));
  pace.tick(at(4s));
  EXPECT_EQ(pace.next_deadline(), at(5s));
  pace.tick(at(5s));
  EXPECT_EQ(pace.next_deadline(), Instant::never());
}

}  // namespace
}  // namespace starling::node
