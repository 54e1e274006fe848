// Who is in the run: presence, silence, and intervals that grow with the flock.

#include "node/core/roll.h"

#include <gtest/gtest.h>

#include "tests/support/instants.h"
#include "tests/support/overlay_node.h"

namespace starling::node {
namespace {

using namespace std::chrono_literals;
using testing::at;
using testing::test_id;

Roll roll_of(std::uint32_t nodes_expected = 1) {
  return Roll({.nodes_expected = nodes_expected, .patience = 10s, .gone_after = 60s});
}

protocol::Presence presence(Step step, bool finished = false) {
  return {.address = {}, .incarnation = 1, .step = step, .finished = finished};
}

TEST(Roll, ASilentNodeIsNotPresentAndLaterLost) {
  Roll roll = roll_of();
  EXPECT_TRUE(roll.heard(test_id(1), presence(3), at(0s)));
  roll.advance(at(10s));
  EXPECT_EQ(roll.present(), std::set<NodeId>{test_id(1)});
  roll.advance(at(11s));
  EXPECT_TRUE(roll.present().empty());
  EXPECT_EQ(roll.highest_step(), 0U);
  EXPECT_TRUE(roll.take_lost().empty());
  roll.advance(at(61s));
  EXPECT_EQ(roll.take_lost(), std::vector<NodeId>{test_id(1)});
  EXPECT_TRUE(roll.take_lost().empty());
  EXPECT_TRUE(roll.heard(test_id(1), presence(4), at(62s)));
  EXPECT_EQ(roll.highest_step(), 4U);
}

TEST(Roll, ALeavingNodeIsLostAtOnce) {
  Roll roll = roll_of();
  roll.heard(test_id(1), presence(3), at(0s));
  protocol::Presence leaving = presence(3);
  leaving.leaving = true;
  roll.heard(test_id(1), leaving, at(1s));
  EXPECT_TRUE(roll.present().empty());
  EXPECT_EQ(roll.take_lost(), std::vector<NodeId>{test_id(1)});
}

TEST(Roll, AFarewellIsAsGoodAsTheAnnouncementThatItLeaves) {
  Roll roll = roll_of();
  roll.heard(test_id(1), presence(3), at(0s));
  roll.said_farewell(test_id(1), at(1s));
  roll.said_farewell(test_id(2), at(1s));  // of whom nothing was heard
  EXPECT_TRUE(roll.present().empty());
  EXPECT_EQ(roll.take_lost(), std::vector<NodeId>{test_id(1)});
  EXPECT_EQ(roll.seen(), std::set<NodeId>{test_id(1)});
}

TEST(Roll, AnAnnouncementThatComesAfterTheOneOfLeavingBringsNobodyBack) {
  Roll roll = roll_of();
  roll.heard(test_id(1), presence(3), at(0s));
  roll.said_farewell(test_id(1), at(1s));
  EXPECT_FALSE(roll.heard(test_id(1), presence(3), at(2s)));
  EXPECT_TRUE(roll.present().empty());
  protocol::Presence again = presence(3);
  again.incarnation = 2;
  EXPECT_TRUE(roll.heard(test_id(1), again, at(3s)));
  EXPECT_EQ(roll.present(), std::set<NodeId>{test_id(1)});
}

TEST(Roll, AllHaveFinishedWhenEveryPresentNodeSaysSo) {
  Roll roll = roll_of();
  roll.heard(test_id(1), presence(5, true), at(0s));
  roll.heard(test_id(2), presence(4), at(8s));
  EXPECT_FALSE(roll.all_finished());
  roll.heard(test_id(2), presence(3, true), at(8s));
  EXPECT_FALSE(roll.all_finished()) << "an older word that was overtaken";
  roll.heard(test_id(2), presence(5, true), at(9s));
  EXPECT_TRUE(roll.all_finished());
  roll.advance(at(15s));
  EXPECT_EQ(roll.present().size(), 1U);
  EXPECT_TRUE(roll.all_finished());
}

TEST(Roll, PatienceGrowsWithTheFlock) {
  EXPECT_EQ(roll_of(64).stretch(), 1);
  Roll roll = roll_of(640);
  EXPECT_EQ(roll.stretch(), 10);
  roll.heard(test_id(1), presence(1), at(0s));
  roll.advance(at(100s));
  EXPECT_EQ(roll.present().size(), 1U);
  roll.advance(at(101s));
  EXPECT_TRUE(roll.present().empty());
}

}  // namespace
}  // namespace starling::node
