// Each checker is given a record that breaks its law, and has to say so.

#include "sim/checkers.h"

#include "crypto/digest.h"
#include "tests/sim/scenarios.h"

namespace starling::testing {
namespace {

using sim::Observation;
using sim::Record;

Record record_of(const std::string& recipe) {
  const auto record = sim::run_world(
      scenario_of("nodes = 4\nsteps = 30\ntask = \"quadratic\"\nrecipe = \"" + recipe + "\"\n"), 1,
      {});
  EXPECT_TRUE(record);
  return *record;
}

TEST(Checkers, AcceptARunWithoutFaults) {
  for (const char* recipe : {"gossip", "tracking", "beer", "votes"}) {
    const Record record = record_of(recipe);
    EXPECT_TRUE(sim::check_flows(record).empty()) << recipe;
    EXPECT_TRUE(sim::check_corrections(record).empty()) << recipe;
    EXPECT_TRUE(sim::check_votes(record).empty()) << recipe;
    EXPECT_TRUE(sim::check_merge(record).empty()) << recipe;
    EXPECT_TRUE(sim::check_reconciliation(record).empty()) << recipe;
    EXPECT_TRUE(sim::check_liveness(record).empty()) << recipe;
  }
}

TEST(Checkers, FindAFlowThatDoesNotCancel) {
  Record record = record_of("gossip");
  ASSERT_FALSE(record.nodes[0].flows.empty());
  record.nodes[0].flows.begin()->second[0] += 0.01;
  EXPECT_EQ(sim::check_flows(record).size(), 1U);
}

TEST(Checkers, FindACorrectionThatDoesNotCancelOverItsEdge) {
  Record record = record_of("tracking");
  ASSERT_FALSE(record.nodes[0].counters.empty());
  record.nodes[0].counters.begin()->second[0] += 100.0;
  EXPECT_EQ(sim::check_corrections(record).size(), 2U);  // over the edge, and in the node's sum
}

TEST(Checkers, FindACorrectionThatCameOverNoEdge) {
  Record record = record_of("tracking");
  ASSERT_FALSE(record.nodes[0].correction.empty());
  record.nodes[0].correction[0] += 100.0F;
  EXPECT_EQ(sim::check_corrections(record).size(), 1U);
}

TEST(Checkers, FindAVoteThatOneNodeLacks) {
  Record record = record_of("votes");
  record.nodes[2].votes.bytes[0] ^= 1U;
  EXPECT_EQ(sim::check_votes(record).size(), 1U);
}

TEST(Checkers, FindAnotherModelOfTheSameVotes) {
  Record record = record_of("votes");
  record.nodes[2].model.bytes[0] ^= 1U;
  EXPECT_EQ(sim::check_votes(record).size(), 1U);
}

TEST(Checkers, FindAMergedModelThatIsNotTheMean) {
  Record record = record_of("gossip");
  Observation& node = record.nodes[1];
  node.adopted->at(0) ^= 4U;
  node.merged->manifest.model = crypto::digest_of(*node.adopted);
  EXPECT_GE(sim::check_merge(record).size(), 2U);  // of another model, and no mean
}

TEST(Checkers, FindANodeThatAdoptedAnotherModelThanItSays) {
  Record record = record_of("votes");
  record.nodes[1].adopted->at(0) ^= 1U;
  EXPECT_EQ(sim::check_merge(record).size(), 1U);
}

TEST(Checkers, FindANodeThatGaveAndIsNoMember) {
  Record record = record_of("votes");
  std::erase_if(record.nodes[3].merged->manifest.members,
                [&](const MergeMember& member) { return member.id == record.nodes[3].id; });
  EXPECT_EQ(sim::check_merge(record).size(), 1U);
}

TEST(Checkers, FindAMemberThatNeverGaveItsVector) {
  Record record = record_of("votes");
  record.nodes[3].contributions.clear();
  EXPECT_EQ(sim::check_merge(record).size(), 4U);  // in everybody's manifest
}

TEST(Checkers, FindAnExchangeAppliedAtOneEndOnly) {
  Record record = record_of("gossip");
  record.nodes[0].status.unreconciled = 4;  // more than there are others
  EXPECT_EQ(sim::check_reconciliation(record).size(), 1U);
}

TEST(Checkers, FindACopyThatRunsOn) {
  Record record = record_of("gossip");
  record.copies.push_back(record.nodes[1]);
  EXPECT_EQ(sim::check_copies(record).size(), 1U) << "without a reason";
  record.copies[0].stop_reason = "another process runs";
  EXPECT_TRUE(sim::check_copies(record).empty());
  record.copies[0].has_stopped = false;
  EXPECT_EQ(sim::check_copies(record).size(), 1U);
}

TEST(Checkers, FindTimeThatStandsStill) {
  Record record = record_of("gossip");
  record.time_stands_still = true;
  EXPECT_EQ(sim::check_liveness(record).size(), 1U);
}

TEST(Checkers, FindANodeThatNeverStarted) {
  Record record = record_of("gossip");
  record.nodes[1].has_started = false;
  EXPECT_EQ(sim::check_liveness(record).size(), 1U);
}

TEST(Checkers, FindANodeThatEndsWithAnError) {
  Record record = record_of("gossip");
  record.nodes[1].stop_reason = "the disk is full";
  EXPECT_EQ(sim::check_liveness(record).size(), 1U);
}

TEST(Checkers, FindANodeThatNeverEnds) {
  Record record = record_of("gossip");
  record.nodes[0].has_stopped = false;
  EXPECT_EQ(sim::check_liveness(record).size(), 1U);
}

}  // namespace
}  // namespace starling::testing
