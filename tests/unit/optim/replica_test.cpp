#include "optim/replica.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "tests/unit/optim/compositions.h"
#include "tests/unit/optim/swarm.h"

namespace starling::optim {
namespace {

using testing_support::is_pair;
using testing_support::key_of;
using testing_support::normal_vector;
using testing_support::plain;
using testing_support::plain_recipe;
using testing_support::Swarm;

Recipe hat_rounds() {
  Recipe recipe = plain_recipe();
  GossipRecipe& gossip = recipe.gossip();
  gossip.mixer = mixers().choose("metropolis");
  gossip.clock = clocks().choose("rounds");
  gossip.memory = memories().choose("hat_copy");
  gossip.codec = codecs().choose("top_k", {{"density", 0.1}});
  gossip.consensus_step = 0.1;
  return recipe;
}

template <class Scalar>
void scatter(Swarm<Scalar>& swarm, std::uint64_t seed) {
  Rng rng(seed);
  for (std::size_t i = 0; i < swarm.size(); ++i) {
    swarm.place(i, normal_vector<Scalar>(rng, swarm[i].parameters().size()));
  }
}

TEST(Replica, PairMixingMeetsInTheMiddle) {
  Swarm<float> swarm(plain_recipe(), 2, {0.0F, 0.0F});
  swarm.place(0, std::vector{1.0F, 2.0F});
  swarm.place(1, std::vector{3.0F, -2.0F});
  swarm.mix_pair(0, 1);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(swarm[i].parameters()[0], 2.0F);
    EXPECT_EQ(swarm[i].parameters()[1], 0.0F);
  }
}

TEST(Replica, EqualNodesStayBitForBitWhatTheyAre) {
  Rng rng(1);
  const auto start = normal_vector<float>(rng, 1000);
  Swarm<float> swarm(plain_recipe(), 2, start);
  swarm.mix_pair(0, 1);
  EXPECT_TRUE(std::ranges::equal(swarm[0].parameters(), start));
}

class EveryMethod : public testing::TestWithParam<Recipe> {
 protected:
  static constexpr std::size_t length = 300;
  static void exchange(Swarm<float>& swarm, Rng& rng) {
    if (is_pair(GetParam())) {
      swarm.mix_random_matching(rng);
    } else {
      swarm.mix_ring();
    }
  }
  // A gradient that differs between nodes, so that trackers have something to track.
  static void pull(std::size_t node, std::span<const float> x, std::span<float> out) {
    for (std::size_t k = 0; k < x.size(); ++k) {
      out[k] = 0.01F * (x[k] - static_cast<float>(node));
    }
  }
};

TEST_P(EveryMethod, ConservesTheMeanOfParametersWhileMixing) {
  const GossipRecipe& gossip = GetParam().gossip();
  if (!gossip.mixer.traits().conserves_sum || !gossip.outer.traits().adds_the_change) return;
  Swarm<float> swarm(GetParam(), 6, std::vector<float>(length));
  scatter(swarm, 2);
  Rng rng(3);
  const auto before = swarm.mean_parameters();
  for (int round = 0; round < 20; ++round) exchange(swarm, rng);
  const auto after = swarm.mean_parameters();
  // Scatter is 1, float rounding 6e-8 per addition: 20 rounds of 3 additions stay below 1e-5.
  for (std::size_t k = 0; k < length; ++k) EXPECT_NEAR(after[k], before[k], 1e-5);
  EXPECT_EQ(swarm.refused(), 0U);
}

TEST_P(EveryMethod, KeepsTheSumOfCorrectionsAtZero) {
  Swarm<float> swarm(GetParam(), 6, std::vector<float>(length));
  Rng rng(4);
  for (int round = 0; round < 20; ++round) {
    swarm.step(pull);
    swarm.step(pull);
    exchange(swarm, rng);
  }
  for (const double mean : swarm.mean_correction()) EXPECT_NEAR(mean, 0.0, 1e-6);
}

TEST_P(EveryMethod, ResumesFromSavedStateBitForBit) {
  const Recipe recipe = GetParam();
  Swarm<float> swarm(recipe, 4, std::vector<float>(length));
  Rng rng(5);
  const auto one_round = [&] {
    swarm.step(pull);
    exchange(swarm, rng);
  };
  for (int round = 0; round < 5; ++round) one_round();
  BasicReplica<float> copy(recipe, std::vector<float>(length), 1, 1);
  ASSERT_TRUE(copy.load(swarm[0].save()));
  EXPECT_EQ(copy.save(), swarm[0].save());
  std::swap(copy, swarm[0]);
  for (int round = 0; round < 5; ++round) one_round();
  const Bytes resumed = swarm[0].save();

  Swarm<float> straight(recipe, 4, std::vector<float>(length));
  rng = Rng(5);
  for (int round = 0; round < 10; ++round) {
    straight.step(pull);
    exchange(straight, rng);
  }
  EXPECT_EQ(resumed, straight[0].save());
}

TEST_P(EveryMethod, RefusesDamagedPayloadsAndChangesNothing) {
  const Recipe recipe = GetParam();
  Swarm<float> swarm(recipe, 2, std::vector<float>(length));
  scatter(swarm, 6);
  const Bytes own = swarm[0].encode();
  const Bytes good = swarm[1].encode();
  const Bytes before = swarm[0].save();
  const auto refuses = [&](ByteSpan payload) {
    const WeightedPayload peer{key_of(1), 0.5F, payload};
    return swarm[0].mix(own, {&peer, 1}).size() == 1;
  };
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_TRUE(refuses(ByteSpan(good).first(size))) << size;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_TRUE(refuses(longer));
  for (std::size_t byte = 0; byte < 8; ++byte) {  // The fields that must be what they are.
    Bytes flipped = good;
    flipped[byte] ^= 0x10U;
    EXPECT_TRUE(refuses(flipped)) << byte;
  }
  EXPECT_EQ(swarm[0].save(), before);
}

TEST_P(EveryMethod, SurvivesAnyFlippedBit) {
  const Recipe recipe = GetParam();
  Swarm<float> swarm(recipe, 2, std::vector<float>(length));
  scatter(swarm, 7);
  const Bytes own = swarm[0].encode();
  const Bytes good = swarm[1].encode();
  const Bytes before = swarm[0].save();
  Rng rng(8);
  for (int trial = 0; trial < 300; ++trial) {
    Bytes flipped = good;
    flipped[rng.below(flipped.size())] ^= static_cast<std::uint8_t>(1U << rng.below(8));
    const WeightedPayload peer{key_of(1), 0.5F, flipped};
    if (swarm[0].mix(own, {&peer, 1}).empty()) {
      ASSERT_TRUE(swarm[0].load(before));
    }
    ASSERT_EQ(swarm[0].save(), before);
    for (const float value : swarm[0].parameters()) ASSERT_TRUE(std::isfinite(value));
  }
}

TEST_P(EveryMethod, PayloadIsNeverLongerThanItSays) {
  Swarm<float> swarm(GetParam(), 1, std::vector<float>(length));
  EXPECT_LE(swarm[0].encode().size(), swarm[0].payload_bytes_max());
  EXPECT_LE(swarm[0].resync_payload().size(), swarm[0].payload_bytes_max());
}

INSTANTIATE_TEST_SUITE_P(Replica, EveryMethod,
                         testing::ValuesIn(testing_support::every_composition()),
                         [](const auto& run) { return plain(run.param.name); });

TEST(Replica, RefusesPayloadsThatAreNotFinite) {
  Swarm<float> swarm(plain_recipe(), 2, std::vector<float>(4));
  const Bytes own = swarm[0].encode();
  swarm.place(1, std::vector{1.0F, std::nanf(""), 0.0F, 0.0F});
  const Bytes bad = swarm[1].encode();
  const Bytes before = swarm[0].save();
  const WeightedPayload peer{key_of(1), 0.5F, bad};
  EXPECT_EQ(swarm[0].mix(own, {&peer, 1}), std::vector{key_of(1)});
  EXPECT_EQ(swarm[0].save(), before);
}

TEST(Replica, OfSeveralPeersOnlyTheRefusedOneTakesNoPart) {
  Swarm<float> swarm(plain_recipe(), 3, std::vector<float>(1));
  swarm.place(1, std::vector{3.0F});
  const Bytes own = swarm[0].encode();
  const Bytes good = swarm[1].encode();
  const WeightedPayload peers[] = {{key_of(2), 0.5F, ByteSpan(good).first(10)},
                                   {key_of(1), 0.5F, good}};
  EXPECT_EQ(swarm[0].mix(own, peers), std::vector{key_of(2)});
  EXPECT_EQ(swarm[0].parameters()[0], 1.5F);
}

TEST(Replica, DroppingANodeEverywhereLeavesCorrectionsThatSumToZero) {
  Recipe recipe = plain_recipe();
  recipe.gossip().correction = corrections().choose("gradient_tracking");
  Swarm<double> swarm(recipe, 6, std::vector<double>(10));
  const auto pull = [](std::size_t node, std::span<const double> x, std::span<double> out) {
    for (std::size_t k = 0; k < x.size(); ++k) {
      out[k] = 0.1 * (x[k] - static_cast<double>(node * k));
    }
  };
  Rng rng(9);
  for (int round = 0; round < 30; ++round) {
    swarm.step(pull);
    swarm.mix_random_matching(rng);
  }
  ASSERT_GT(std::abs(swarm[5].correction()[9]), 0.1);  // or else there would be nothing to lose
  double sum = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    swarm[i].drop_edge(key_of(5));
    sum += swarm[i].correction()[9];
  }
  EXPECT_NEAR(sum, 0.0, 1e-12);
}

TEST(Replica, FlowsOfAnEdgeAreOppositeAndExplainTheWholeChange) {
  Swarm<double> swarm(plain_recipe(), 2, std::vector<double>(3));
  swarm[0].watch_flows();
  swarm[1].watch_flows();
  swarm.place(1, std::vector{4.0, -8.0, 2.0});
  swarm.mix_pair(0, 1);
  const auto& there = swarm[0].flows().at(key_of(1));
  const auto& back = swarm[1].flows().at(key_of(0));
  EXPECT_EQ(there, (std::vector{2.0, -4.0, 1.0}));
  EXPECT_EQ(back, (std::vector{-2.0, 4.0, -1.0}));
}

TEST(Replica, HatCopiesRefuseAGapUntilTheResyncArrives) {
  Swarm<float> swarm(hat_rounds(), 2, std::vector<float>(100));
  scatter(swarm, 10);
  (void)swarm[1].encode();  // lost on the way
  const Bytes late = swarm[1].encode();
  const Bytes own = swarm[0].encode();
  const WeightedPayload gap{key_of(1), 0.5F, late};
  EXPECT_EQ(swarm[0].mix(own, {&gap, 1}).size(), 1U);
  const Bytes resync = swarm[1].resync_payload();
  const WeightedPayload dense{key_of(1), 0.0F, resync};
  EXPECT_TRUE(swarm[0].mix(own, {&dense, 1}).empty());
  const Bytes next = swarm[1].encode();
  const WeightedPayload regular{key_of(1), 0.5F, next};
  EXPECT_TRUE(swarm[0].mix(own, {&regular, 1}).empty());
}

TEST(Replica, HatCopiesRefuseARepeatedPayload) {
  Swarm<float> swarm(hat_rounds(), 2, std::vector<float>(100));
  const Bytes own = swarm[0].encode();
  const Bytes first = swarm[1].encode();
  const WeightedPayload peer{key_of(1), 0.5F, first};
  EXPECT_TRUE(swarm[0].mix(own, {&peer, 1}).empty());
  EXPECT_EQ(swarm[0].mix(own, {&peer, 1}).size(), 1U);
}

TEST(Replica, SetParametersMakesEveryHatCopyNeedAResync) {
  Swarm<float> swarm(hat_rounds(), 2, std::vector<float>(100));
  swarm[1].set_parameters(std::vector<float>(100, 1.0F));
  const Bytes own = swarm[0].encode();
  const Bytes theirs = swarm[1].encode();
  const WeightedPayload to_0{key_of(1), 0.5F, theirs};
  const WeightedPayload to_1{key_of(0), 0.5F, own};
  EXPECT_EQ(swarm[0].mix(own, {&to_0, 1}).size(), 1U);
  EXPECT_EQ(swarm[1].mix(theirs, {&to_1, 1}).size(), 1U);
  const Bytes resync = swarm[1].resync_payload();
  const WeightedPayload dense{key_of(1), 0.5F, resync};
  EXPECT_TRUE(swarm[0].mix(own, {&dense, 1}).empty());
  EXPECT_FLOAT_EQ(swarm[0].parameters()[0], 0.05F);  // gamma 0.1, weight 1/2
}

TEST(Replica, RandomPositionsRefuseAPeerOfAnotherStep) {
  Recipe recipe = hat_rounds();
  recipe.gossip().memory = memories().choose("none");
  recipe.gossip().codec = codecs().choose("random_k", {{"density", 0.1}});
  Swarm<float> swarm(recipe, 2, std::vector<float>(100));
  const auto stay = [](std::span<const float>, std::span<float> out) {
    std::ranges::fill(out, 0.0F);
    return 0.0;
  };
  swarm[0].local_step(4, stay);
  swarm[1].local_step(5, stay);
  const Bytes own = swarm[0].encode();
  const Bytes theirs = swarm[1].encode();
  const WeightedPayload peer{key_of(1), 0.5F, theirs};
  EXPECT_EQ(swarm[0].mix(own, {&peer, 1}).size(), 1U);
}

TEST(Replica, LoadRefusesStateOfAnotherRecipeOrLengthOrCutShort) {
  const std::vector<float> start(10);
  Replica replica(plain_recipe(), start, 1, 100);
  const Bytes before = replica.save();
  EXPECT_FALSE(replica.load(Replica(hat_rounds(), start, 1, 100).save()));
  EXPECT_FALSE(replica.load(Replica(plain_recipe(), std::vector<float>(9), 1, 100).save()));
  for (std::size_t size = 0; size < before.size(); ++size) {
    EXPECT_FALSE(replica.load(ByteSpan(before).first(size))) << size;
  }
  EXPECT_EQ(replica.save(), before);
}

TEST(Replica, LocalStepReturnsTheLossAndFollowsTheSchedule) {
  Recipe recipe = plain_recipe();
  recipe.gossip().inner.settings.set("schedule", static_cast<double>(ScheduleKind::linear));
  Replica replica(recipe, {0.0F}, 1, 4);
  const auto downhill = [](std::span<const float>, std::span<float> out) {
    out[0] = -1.0F;
    return 7.0;
  };
  for (Step step = 0; step < 4; ++step) EXPECT_EQ(replica.local_step(step, downhill), 7.0);
  EXPECT_FLOAT_EQ(replica.parameters()[0], 1.0F + 0.75F + 0.5F + 0.25F);
}

TEST(Replica, ErrorFeedbackSendsTheTruthOnAverage) {
  Recipe recipe = plain_recipe();
  recipe.gossip().codec = codecs().choose("quantize", {{"bits", 2}});
  recipe.gossip().memory = memories().choose("error_feedback");
  Swarm<float> swarm(recipe, 2, std::vector<float>(64));
  scatter(swarm, 11);
  const std::vector<float> truth(swarm[0].parameters().begin(), swarm[0].parameters().end());
  Replica listener(recipe, std::vector<float>(64), 1, 1);
  const Bytes silence = listener.encode();
  constexpr int payloads = 1000;
  std::vector<double> mean(64);
  for (int i = 0; i < payloads; ++i) {
    const std::vector<float> before(listener.parameters().begin(), listener.parameters().end());
    const Bytes payload = swarm[0].encode();
    const WeightedPayload peer{key_of(0), 1.0F, payload};
    ASSERT_TRUE(listener.mix(silence, {&peer, 1}).empty());
    for (std::size_t k = 0; k < mean.size(); ++k) {
      mean[k] += static_cast<double>(listener.parameters()[k] - before[k]) / payloads;
    }
  }
  // The residual is at most twice the largest value (about 3), the mean is off by its 1/1000.
  for (std::size_t k = 0; k < mean.size(); ++k) EXPECT_NEAR(mean[k], truth[k], 0.03);
}

}  // namespace
}  // namespace starling::optim
