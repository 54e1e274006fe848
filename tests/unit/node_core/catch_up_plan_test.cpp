#include "node/core/catch_up_plan.h"

#include <gtest/gtest.h>

#include <cmath>

namespace starling::node {
namespace {

/// 1000 packets of 200 bytes over 100 kB/s and 1 ms each: 2 s and 1 s.
CatchUpFacts long_log() {
  return {.has_whole_ledger = true,
          .packets_missing = 1000,
          .packet_bytes = 200,
          .packet_s = 1e-3,
          .download_bytes_per_s = 1e5,
          .snapshot_bytes = 50'000,  // half a second
          .snapshot_packets = 900};  // a tail of 100: 0.3 s
}

TEST(CatchUpPlan, PredictsBothWaysFromWhatWasMeasured) {
  const auto plan = plan_catch_up(long_log(), CatchUpMode::automatic);
  ASSERT_TRUE(plan);
  EXPECT_DOUBLE_EQ(plan->replay_s, 3.0);
  EXPECT_DOUBLE_EQ(plan->snapshot_s, 0.8);
}

TEST(CatchUpPlan, TakesTheCheaperWay) {
  CatchUpFacts facts = long_log();
  EXPECT_EQ(plan_catch_up(facts, CatchUpMode::automatic)->method, CatchUpMethod::snapshot);
  facts.snapshot_bytes = 40'000'000;  // a large model behind the same link
  EXPECT_EQ(plan_catch_up(facts, CatchUpMode::automatic)->method, CatchUpMethod::replay);
}

TEST(CatchUpPlan, DoesAsItIsToldAndPredictsTheOtherWayAllTheSame) {
  const auto plan = plan_catch_up(long_log(), CatchUpMode::replay);
  EXPECT_EQ(plan->method, CatchUpMethod::replay);
  EXPECT_DOUBLE_EQ(plan->snapshot_s, 0.8);
  CatchUpFacts facts = long_log();
  facts.snapshot_bytes = 40'000'000;
  EXPECT_EQ(plan_catch_up(facts, CatchUpMode::snapshot)->method, CatchUpMethod::snapshot);
}

TEST(CatchUpPlan, TakesASnapshotIfNobodyHasTheOldestPackets) {
  CatchUpFacts facts = long_log();
  facts.has_whole_ledger = false;
  facts.snapshot_bytes = 40'000'000;
  const auto plan = plan_catch_up(facts, CatchUpMode::automatic);
  EXPECT_EQ(plan->method, CatchUpMethod::snapshot);
  EXPECT_TRUE(std::isinf(plan->replay_s));
  EXPECT_FALSE(plan_catch_up(facts, CatchUpMode::replay));
}

TEST(CatchUpPlan, ReplaysIfThereIsNoSnapshot) {
  CatchUpFacts facts = long_log();
  facts.snapshot_bytes.reset();
  const auto plan = plan_catch_up(facts, CatchUpMode::automatic);
  EXPECT_EQ(plan->method, CatchUpMethod::replay);
  EXPECT_TRUE(std::isinf(plan->snapshot_s));
  EXPECT_FALSE(plan_catch_up(facts, CatchUpMode::snapshot));
}

TEST(CatchUpPlan, CountsWhatIsHeldAlreadyOnlyOnce) {
  CatchUpFacts facts = long_log();
  facts.snapshot_packets = 5000;  // contains more than is missing: no tail
  EXPECT_DOUBLE_EQ(plan_catch_up(facts, CatchUpMode::automatic)->snapshot_s, 0.5);
}

TEST(CatchUpPlan, ReplaysWhenNothingWasMeasured) {
  CatchUpFacts facts = long_log();
  facts.packet_s = facts.download_bytes_per_s = std::nan("");
  EXPECT_EQ(plan_catch_up(facts, CatchUpMode::automatic)->method, CatchUpMethod::replay);
  EXPECT_EQ(plan_catch_up(facts, CatchUpMode::snapshot)->method, CatchUpMethod::snapshot);
}

TEST(CatchUpMode, IsNamedOnTheCommandLine) {
  EXPECT_EQ(parse_catch_up_mode("auto").value(), CatchUpMode::automatic);
  EXPECT_EQ(parse_catch_up_mode("snapshot").value(), CatchUpMode::snapshot);
  const auto wrong = parse_catch_up_mode("fast");
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("'fast'"), std::string::npos);
}

}  // namespace
}  // namespace starling::node
