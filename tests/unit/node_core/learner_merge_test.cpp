// What the learner gives to a merge and takes from it.

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

#include "crypto/digest.h"
#include "node/core/fixed_point.h"
#include "node/core/learner.h"
#include "protocol/merge/slice_plan.h"
#include "tests/support/crypto_keys.h"
#include "tests/support/vote_ledger.h"

namespace starling::node {
namespace {

/// Three slices.
constexpr std::size_t parameters = 3 * 16'384 + 5;

class Slope final : public Task {
 public:
  std::size_t parameter_count() const override { return parameters; }
  void initialize(std::span<float> out, std::uint64_t) const override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(i % 1000) / 64;
  }
  double loss(std::span<const float>, const BatchKey&) override { return 1; }
  bool has_gradient() const override { return true; }
  double gradient(std::span<const float>, const BatchKey&, std::span<float> out) override {
    for (float& value : out) value = 0.5F;
    return 1;
  }
};

Learner learner(std::uint8_t key, const std::string& recipe = "gossip") {
  auto made = Learner::create({.recipe = *optim::builtin_recipe(recipe),
                               .run = crypto::run_of(1),
                               .self = crypto::node_key(key).id(),
                               .steps_total = 100},
                              std::make_unique<Slope>());
  EXPECT_TRUE(made);
  return std::move(*made);
}

void train(Learner& learner, std::uint32_t steps) {
  ASSERT_TRUE(std::holds_alternative<TrainDone>(learner.run(TrainJob{.first = 0, .count = steps})));
}

ContributeDone contribute(Learner& learner) {
  return std::get<ContributeDone>(learner.run(ContributeJob{}));
}

Bytes own_slice(Learner& learner, std::uint32_t slice) {
  return std::get<OwnSliceDone>(learner.run(OwnSliceJob{.merge = {}, .slice = slice}))
      .blocks.copy();
}

std::vector<float> copy_of(const Learner& learner) {
  return {learner.parameters().begin(), learner.parameters().end()};
}

/// Its part of a slice, by the definition.
Bytes slice_of(std::span<const float> vector, std::uint32_t slice) {
  const protocol::SlicePlan plan(vector.size());
  return blocks_of(vector.subspan(plan.first(slice), plan.values(slice)));
}

/// All slices of the mean of two learners of these weights, the first of which is the root.
AdoptJob mean_of(Learner& root, Learner& other, std::uint64_t weight, std::uint64_t other_weight) {
  AdoptJob adopt;
  for (std::uint32_t slice = 0; slice < protocol::SlicePlan(parameters).count(); ++slice) {
    AverageSliceJob job{.merge = {}, .slice = slice, .own_weight = weight, .parts = {}};
    job.parts.push_back({.weight = other_weight, .blocks = own_slice(other, slice)});
    auto done = std::get<AverageSliceDone>(root.run(job));
    EXPECT_EQ(done.digest, crypto::digest_of(done.data));
    adopt.slices.push_back(std::move(done.data));
    adopt.digests.push_back(done.digest);
  }
  return adopt;
}

TEST(LearnerMerge, AContributionIsNamedAsTheEvaluatedModelIs) {
  Learner node = learner(1);
  train(node, 3);
  const Digest evaluated = std::get<EvaluateDone>(node.run(EvaluateJob{})).model;
  EXPECT_EQ(contribute(node).digest, evaluated);
  EXPECT_EQ(evaluated, protocol::digest_by_slices(node.model_bytes()));
  train(node, 1);
  EXPECT_NE(contribute(node).digest, evaluated);
}

TEST(LearnerMerge, TheMeanOfTwoIsAdoptedByBothWithOneDigest) {
  Learner one = learner(1);
  Learner two = learner(2);
  train(two, 8);
  const std::vector<float> a = copy_of(one);
  const std::vector<float> b = copy_of(two);
  contribute(one);
  contribute(two);
  const AdoptJob adopt = mean_of(one, two, 1, 3);
  const auto done_one = std::get<AdoptDone>(one.run(AdoptJob(adopt)));
  const auto done_two = std::get<AdoptDone>(two.run(AdoptJob(adopt)));
  EXPECT_EQ(done_one.model, done_two.model);
  EXPECT_EQ(done_one.model, protocol::digest_by_slices(one.model_bytes()));
  EXPECT_EQ(copy_of(one), copy_of(two));
  double distance = 0;
  double norm = 0;
  for (std::size_t i = 0; i < parameters; ++i) {
    const double mean = (static_cast<double>(a[i]) + 3.0 * b[i]) / 4;
    ASSERT_NEAR(one.parameters()[i], mean, 2e-6) << i;
    distance += (a[i] - mean) * (a[i] - mean);
    norm += mean * mean;
  }
  EXPECT_NEAR(done_one.distance, std::sqrt(distance), 1e-4);
  EXPECT_NEAR(done_one.norm, std::sqrt(norm), 1e-3);
}

TEST(LearnerMerge, ASumBelowTheRootIsThatOfItsParts) {
  Learner one = learner(1);
  Learner two = learner(2);
  train(two, 8);
  contribute(one);
  contribute(two);
  const std::vector<WeightedSlice> parts = {{5, false, own_slice(one, 1)},
                                            {2, false, own_slice(two, 1)}};
  SumSliceJob job{.merge = {}, .slice = 1, .own_weight = 5, .parts = {parts[1]}};
  const protocol::SlicePlan plan(parameters);
  EXPECT_EQ(std::get<SumSliceDone>(one.run(job)).blocks,
            protocol::SharedBytes(weighted_sum(parts, plan.values(1))));
}

TEST(LearnerMerge, AloneASumIsTheNodesOwnPartWithoutItsWeight) {
  Learner node = learner(1);
  train(node, 2);
  contribute(node);
  const SumSliceJob job{.merge = {}, .slice = 2, .own_weight = 7, .parts = {}};
  EXPECT_EQ(std::get<SumSliceDone>(node.run(job)).blocks.copy(), own_slice(node, 2));
  EXPECT_EQ(own_slice(node, 2), slice_of(node.parameters(), 2));
}

TEST(LearnerMerge, WhatIsMixedAfterTheContributionIsNotInIt) {
  Learner node = learner(1);
  Learner other = learner(2);
  train(other, 8);
  const auto own = std::get<EncodeDone>(node.run(EncodeJob{}));
  const auto theirs = std::get<EncodeDone>(other.run(EncodeJob{}));
  const Digest given = contribute(node).digest;
  const std::vector<float> before = copy_of(node);
  MixJob mix{.number = 0, .own = own.payload, .peers = {}};
  mix.peers.push_back({crypto::node_key(2).id(), 0.5F, theirs.payload});
  EXPECT_TRUE(std::get<MixDone>(node.run(mix)).rejected.empty());
  ASSERT_NE(copy_of(node), before) << "a mix that comes late counts at both ends";
  for (std::uint32_t slice = 0; slice < 3; ++slice) {
    EXPECT_EQ(own_slice(node, slice), slice_of(before, slice)) << slice;
  }
  // All agreed: the merged model is what was given.
  EXPECT_EQ(std::get<AdoptDone>(node.run(AdoptJob{})).model, given);
  EXPECT_EQ(copy_of(node), before);
}

TEST(LearnerMerge, AFailedMergeLeavesTheModelAsItWas) {
  Learner node = learner(1);
  train(node, 2);
  const Digest given = contribute(node).digest;
  static_cast<void>(own_slice(node, 0));
  EXPECT_EQ(contribute(node).digest, given);
  train(node, 2);  // and can be trained on, with momentum that begins anew
  for (const float value : node.parameters()) ASSERT_TRUE(std::isfinite(value));
}

TEST(LearnerMerge, ARuinedModelIsNothingToGive) {
  Learner node = learner(1);
  std::vector<float> ruined = copy_of(node);
  ruined[77] = std::numeric_limits<float>::infinity();
  node.replica()->set_parameters(ruined);
  const ContributeDone done = contribute(node);
  ASSERT_TRUE(done.fault);
  EXPECT_NE(done.fault->find("parameters[77] is inf"), std::string::npos) << *done.fault;
}

// --- Votes ---

TEST(LearnerMerge, OfVotesGivesTheLedgersIntegersOfTheMomentItWasAsked) {
  const auto votes = testing::random_votes(60, 1);
  Learner node = testing::ledger_learner();
  const auto apply = [&](std::span<const testing::CastVotes> some) {
    ApplyVotesJob job;
    for (const testing::CastVotes& vote : some) {
      const protocol::VotePacket& packet = vote.packet;
      job.batches.push_back({vote.author(), packet.step, packet.first_probe, packet.codes});
    }
    static_cast<void>(node.run(job));
  };
  apply(std::span(votes).first(40));
  const auto grid_now = [&] {
    const auto grid = node.vote_replica()->grid();
    return std::vector<std::int32_t>(grid.begin(), grid.end());
  };
  const std::vector<std::int32_t> grid = grid_now();
  const Digest given = contribute(node).digest;
  EXPECT_EQ(given, crypto::digest_of(to_fixed_point(grid)));
  apply(std::span(votes).subspan(40));
  EXPECT_EQ(own_slice(node, 0), blocks_of(grid));
  const AverageSliceJob alone{.merge = {}, .slice = 0, .own_weight = 3, .parts = {}};
  EXPECT_EQ(std::get<AverageSliceDone>(node.run(alone)).data.copy(), to_fixed_point(grid));
  EXPECT_EQ(std::get<AdoptDone>(node.run(AdoptJob{})).model, given);
  EXPECT_EQ(grid_now(), grid);
}

}  // namespace
}  // namespace starling::node
