// What may follow what in the life of a node.

#include "node/core/phase.h"

#include <gtest/gtest.h>

#include <vector>

namespace starling::node {
namespace {

std::vector<Phase> all_phases() {
  std::vector<Phase> phases;
  for (std::size_t i = 0; i < phase_count; ++i) phases.push_back(static_cast<Phase>(i));
  return phases;
}

TEST(Phase, NothingFollowsTheEnd) {
  for (const Phase next : all_phases()) EXPECT_FALSE(may_follow(Phase::stopped, next));
}

TEST(Phase, ANodeMayLeaveFromEverywhereButTheEnd) {
  for (const Phase phase : all_phases()) {
    EXPECT_EQ(may_follow(phase, Phase::leaving), phase != Phase::stopped) << name_of(phase);
  }
}

TEST(Phase, ANodeMayStopFromEverywhereButTheEnd) {
  for (const Phase phase : all_phases()) {
    EXPECT_EQ(may_follow(phase, Phase::stopped), phase != Phase::stopped) << name_of(phase);
  }
}

TEST(Phase, ANodeWithTheMergedModelTrainsNoMore) {
  for (const Phase next : {Phase::training, Phase::waiting, Phase::merging, Phase::joining}) {
    EXPECT_FALSE(may_follow(Phase::done, next)) << name_of(next);
  }
}

TEST(Phase, OnlyOneThatHasTrainedContributes) {
  for (const Phase phase : {Phase::restoring, Phase::joining, Phase::catching_up}) {
    EXPECT_FALSE(may_follow(phase, Phase::merging)) << name_of(phase);
    EXPECT_TRUE(may_follow(phase, Phase::done)) << name_of(phase);
  }
}

TEST(Phase, AFailedMergeIsWaitedFromAgain) {
  EXPECT_TRUE(may_follow(Phase::merging, Phase::waiting));
}

}  // namespace
}  // namespace starling::node
