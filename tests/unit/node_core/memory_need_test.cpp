// What a node needs is known, and refused, before anything is taken.

#include "node/core/memory_need.h"

#include <gtest/gtest.h>

#include "node/core/bulk_bounds_of.h"
#include "node/core/learner.h"
#include "node/core/saved_state.h"
#include "tests/support/node_config.h"

namespace starling::node {
namespace {

using protocol::BulkKind;

optim::Recipe recipe_of(const char* name) {
  return *optim::builtin_recipe(name);
}

TEST(MemoryNeed, OfGossipIsFourVectorsAndItsPayloads) {
  const MemoryNeed need = memory_need(recipe_of("gossip"), 150'000'000);
  EXPECT_GT(need.models, 4);
  EXPECT_LE(need.models, 4.6);
  EXPECT_DOUBLE_EQ(need.bytes(), need.models * 600e6);
}

TEST(MemoryNeed, ThatFitsIsAllowedAndSoIsAnyWhereNothingIsKnown) {
  const MemoryNeed need = memory_need(recipe_of("gossip"), 1'000'000);
  EXPECT_TRUE(check_memory(need, 1, 1U << 30U));
  EXPECT_TRUE(check_memory(need, 1'000'000, 0));
}

TEST(MemoryNeed, ThatDoesNotFitIsRefusedNamingBothNumbers) {
  const MemoryNeed need{.recipe = "gossip", .parameters = 2'000'000'000, .models = 4.5};
  const auto refused = check_memory(need, 1, 24'000'000'000);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid_input);
  EXPECT_EQ(refused.error().message,
            "2000000000 parameters under recipe 'gossip' need 36.0 GB of memory (4.5 times the "
            "model), and this machine has 24.0 GB for them");
}

TEST(MemoryNeed, OfManyNodesOnOneMachineAddsUp) {
  const MemoryNeed need{.recipe = "gossip", .parameters = 500'000'000, .models = 4.5};
  EXPECT_TRUE(check_memory(need, 2, 20'000'000'000));
  const auto refused = check_memory(need, 3, 20'000'000'000);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message.substr(0, 26), "3 nodes of 500000000 param");
}

/// As large as it says it is, without holding anything.
class Claim final : public Task {
 public:
  explicit Claim(std::size_t parameters) : parameters_(parameters) {}
  std::size_t parameter_count() const override { return parameters_; }
  double loss(std::span<const float>, const BatchKey&) override { return 0; }
  bool has_gradient() const override { return true; }

 private:
  std::size_t parameters_;
};

TEST(MemoryNeed, ALearnerThatDoesNotFitIsNotMade) {
  const auto learner = Learner::create({.recipe = recipe_of("gossip"),
                                        .run = {},
                                        .self = {},
                                        .steps_total = 1,
                                        .memory_bytes = std::uint64_t{1} << 34U},
                                       std::make_unique<Claim>(std::size_t{1} << 40U));
  ASSERT_FALSE(learner);
  EXPECT_EQ(learner.error().kind, ErrorKind::invalid_input);
  EXPECT_NE(learner.error().message.find("1099511627776 parameters"), std::string::npos);
}

TEST(BulkBounds, FollowFromTheModelAndTheRecipe) {
  Config config = testing::node_config(1, recipe_of("gossip"));
  config.parameter_count = 100'000'000;
  config.payload_bytes_max = 52'000'000;
  const protocol::BulkBounds bounds = bulk_bounds_of(config);
  EXPECT_EQ(bounds.of(BulkKind::pair_payload), 52'000'000U);
  EXPECT_GE(bounds.of(BulkKind::state), 400'000'000U);
  EXPECT_LT(bounds.of(BulkKind::state), 401'000'000U);
  EXPECT_LT(bounds.of(BulkKind::merged_slice), 1U << 20U);
  EXPECT_EQ(bounds.of(BulkKind::merge_roster), protocol::limits::merge_roster_bytes_max);
  EXPECT_GT(bounds.queue_bytes_max, bounds.of(BulkKind::state));
}

TEST(BulkBounds, HoldEveryStateOfTheModel) {
  Config config = testing::node_config(1, recipe_of("gossip"));
  config.parameter_count = 1000;
  const std::string recipe = config.recipe.canonical_text();
  const Bytes head = encode_state_head({.recipe = recipe, .step = 1, .values = 1000});
  EXPECT_LE(head.size() + 4000, bulk_bounds_of(config).of(BulkKind::state));
}

}  // namespace
}  // namespace starling::node
