// Rosters and slices that members forge: nobody takes them for the merge's.

#include <gtest/gtest.h>

#include "crypto/digest.h"
#include "protocol/merge/merge.h"
#include "protocol/merge/roster.h"
#include "protocol/merge/slice_plan.h"
#include "tests/support/merge_checks.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::bulk_of;
using testing::expect_merged;
using testing::first;
using testing::merge_elements;
using testing::MergeSwarm;
using testing::name;
using testing::root_of;

// The forged roster names its author alone, who would be the root of all slices.
TEST(Merge, ARosterFromAnyoneButTheProposerIsIgnored) {
  MergeSwarm swarm(3);
  swarm.link_all();
  swarm.lose = [](std::size_t, std::size_t to, const Message& message) {
    return to == 0 && std::holds_alternative<MergeCommitments>(message);
  };
  swarm.propose(0, name(1), first(3));
  swarm.settle();
  const MergeCommitment lone{.merge = name(1), .digest = Digest{{9}}, .neighbours = {}};
  const Bytes forged = encode_roster(roster_of({{swarm[1].id, lone}}, 0));
  for (const std::size_t victim : {0U, 2U}) {
    swarm.deliver_announcement(
        1, victim,
        MergeRoster{.merge = name(1), .members = 1, .digest = crypto::digest_of(forged)});
    swarm.with(victim, [&](Merge& merge, MergeOutput output) {
      Bulk content{.kind = BulkKind::merge_roster, .context = name(1), .data = forged};
      merge.on_bulk(swarm[1].id, std::move(content), swarm.now(), output);
    });
  }
  swarm.lose = {};
  swarm.pass(20s);  // what was lost is given again
  expect_merged(swarm, first(3));
  EXPECT_EQ(swarm[2].manifest->members.size(), 3U);
}

TEST(Merge, ARosterOfAnotherDigestThanTheProposersIsIgnored) {
  MergeSwarm swarm(3);
  swarm.link_all();
  swarm.lose = [&](std::size_t, std::size_t to, const Message& message) {
    return to == 2 && bulk_of(message, BulkKind::merge_roster) != nullptr;
  };
  swarm.propose(0, name(1), first(3));
  swarm.settle();
  // As many members as the proposer's, without the one that is to take it.
  const MergeCommitment lone{.merge = name(1), .digest = Digest{{9}}, .neighbours = {}};
  swarm.with(2, [&](Merge& merge, MergeOutput output) {
    Bulk content{.kind = BulkKind::merge_roster,
                 .context = name(1),
                 .data = encode_roster(roster_of(
                     {{swarm[0].id, lone}, {swarm[1].id, lone}, {NodeId{{1}}, lone}}, 0))};
    merge.on_bulk(swarm[1].id, std::move(content), swarm.now(), output);
  });
  swarm.lose = {};
  swarm.pass(10s);
  expect_merged(swarm, first(3));
  EXPECT_EQ(swarm[2].manifest->members.size(), 3U);
}

TEST(Merge, ASliceWithAWrongDigestIsNotAdopted) {
  MergeSwarm swarm(3);
  swarm.link_all();
  const std::size_t root = root_of(swarm, name(1), 0);
  const std::size_t victim = root == 2 ? 1 : 2;
  swarm.lose = [victim](std::size_t, std::size_t to, const Message& message) {
    const auto* bulk = bulk_of(message, BulkKind::merged_slice);
    return to == victim && bulk != nullptr && bulk->number == 0;
  };
  swarm.propose(0, name(1), first(3));
  swarm.settle();
  ASSERT_TRUE(swarm[victim].adopted.empty());
  swarm.with(victim, [&](Merge& merge, MergeOutput output) {
    Bulk wrong{.kind = BulkKind::merged_slice,
               .number = 0,
               .context = name(1),
               .data = Bytes(SlicePlan(merge_elements).size(0))};
    merge.on_bulk(swarm[0].id, std::move(wrong), swarm.now(), output);
    EXPECT_TRUE(output.requests.empty());
  });
  swarm.lose = {};
  swarm.pass(10s);
  EXPECT_EQ(swarm[victim].adopted, swarm[root].adopted) << "the true slice is asked for in time";
}

}  // namespace
}  // namespace starling::protocol
