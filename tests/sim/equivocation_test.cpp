// A node that signs two packets of votes under one number: its votes from there on count nowhere,
// and all replicas end with the same bytes.

#include <gtest/gtest.h>

#include "sim/checkers.h"
#include "sim/world.h"
#include "tests/sim/scenarios.h"

namespace starling::testing {
namespace {

constexpr std::size_t forker = 5;  // examples/scenarios/equivocation.toml

TEST(Equivocation, IsKnownToAllAndLeavesOneModel) {
  const sim::Scenario scenario = example("equivocation.toml");
  for (const std::uint64_t seed : {1, 2, 3}) {
    const auto record = sim::run_world(scenario, seed, {});
    ASSERT_TRUE(record) << record.error().message;
    for (const sim::Violation& violation : sim::check_all(scenario, *record)) {
      ADD_FAILURE() << "seed " << seed << ": " << violation.text;
    }
    for (const sim::Observation& node : record->nodes) {
      EXPECT_EQ(node.status.equivocators, 1U) << "seed " << seed;
      EXPECT_EQ(node.voided_from.count(record->nodes[forker].id), 1U) << "seed " << seed;
      EXPECT_EQ(node.voided_from, record->nodes[0].voided_from) << "seed " << seed;
    }
    EXPECT_TRUE(record->nodes[forker].merged) << "it votes no more, and is merged all the same";
  }
}

}  // namespace
}  // namespace starling::testing
