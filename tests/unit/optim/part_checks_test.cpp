// Parts against the formulas of their papers, and against the part that they
// are where a field is made trivial.

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <utility>

#include "tests/unit/optim/compositions.h"
#include "tests/unit/optim/swarm.h"

namespace starling::optim {
namespace {

using testing_support::fit_clock;
using testing_support::normal_vector;
using testing_support::plain_recipe;
using testing_support::Swarm;

constexpr std::size_t length = 40;

void pull(std::size_t node, std::span<const double> x, std::span<double> out) {
  for (std::size_t k = 0; k < x.size(); ++k) {
    out[k] = 0.1 * (x[k] - static_cast<double>(node + k));
  }
}

/// Four nodes on a ring: so many steps, each followed by a round.
std::vector<std::vector<double>> trained(const Recipe& recipe, int rounds) {
  Swarm<double> swarm(recipe, 4, std::vector<double>(length));
  for (int round = 0; round < rounds; ++round) {
    swarm.step(pull);
    swarm.mix_ring();
  }
  EXPECT_EQ(swarm.refused(), 0U);
  std::vector<std::vector<double>> all;
  for (std::size_t i = 0; i < swarm.size(); ++i) {
    all.emplace_back(swarm[i].parameters().begin(), swarm[i].parameters().end());
  }
  return all;
}

Recipe rounds_with(std::string_view memory) {
  Recipe recipe = plain_recipe();
  GossipRecipe& gossip = recipe.gossip();
  gossip.mixer = mixers().choose("metropolis");
  gossip.memory = memories().choose(memory);
  gossip.consensus_step = gossip.memory.traits().copies_peers ? 0.1 : 1.0;
  if (gossip.memory.traits().copies_peers) {
    gossip.codec = codecs().choose("top_k", {{"density", 0.1}});
  }
  fit_clock(gossip);
  return recipe;
}

void expect_near(const std::vector<std::vector<double>>& a,
                 const std::vector<std::vector<double>>& b, double tolerance) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t k = 0; k < a[i].size(); ++k) EXPECT_NEAR(a[i][k], b[i][k], tolerance);
  }
}

TEST(PartChecks, Ef21WithoutASummedErrorIsHatCopyBitForBit) {
  EXPECT_EQ(trained(rounds_with("ef21"), 50), trained(rounds_with("hat_copy"), 50));
}

TEST(PartChecks, Ef21WithASummedErrorSendsOtherThings) {
  Recipe recipe = rounds_with("ef21");
  recipe.gossip().memory.settings.set("eta", 0.1);
  EXPECT_NE(trained(recipe, 50), trained(rounds_with("hat_copy"), 50));
}

TEST(PartChecks, NesterovOfStepSizeOneWithoutMomentumTakesTheChange) {
  Recipe recipe = rounds_with("none");
  const auto adopted = trained(recipe, 20);
  recipe.gossip().outer = outer_steps().choose("nesterov", {{"step_size", 1}, {"momentum", 0}});
  expect_near(trained(recipe, 20), adopted, 1e-12);
}

TEST(PartChecks, NesterovOfOneNodeFollowsThePapersRecursion) {
  Recipe recipe = plain_recipe();
  recipe.gossip().outer = outer_steps().choose("nesterov");
  Swarm<double> swarm(recipe, 2, std::vector<double>(1));
  double x = 0;
  double slow = 0;
  double momentum = 0;
  for (int round = 0; round < 10; ++round) {
    swarm.step([](std::size_t, std::span<const double> at, std::span<double> out) {
      out[0] = 0.1 * (at[0] - 1);
    });
    swarm.mix_pair(0, 1);  // both are equal: mixing changes nothing
    x -= 0.1 * (x - 1);
    const double moved = slow - x;
    momentum = 0.9 * momentum + moved;
    slow -= 0.7 * (moved + 0.9 * momentum);
    x = slow;
    EXPECT_NEAR(swarm[0].parameters()[0], x, 1e-14);
  }
}

TEST(PartChecks, ClippingAtALargeRadiusIsTheLinearMixer) {
  Recipe recipe = rounds_with("none");
  const auto linear = trained(recipe, 20);
  recipe.gossip().mixer = mixers().choose("clipped", {{"radius", 1e9}});
  expect_near(trained(recipe, 20), linear, 1e-12);
}

TEST(PartChecks, ANeighbourThatIsFarAwayMovesNobodyFurtherThanWeightTimesRadius) {
  Recipe recipe = plain_recipe();
  recipe.gossip().mixer = mixers().choose("clipped", {{"radius", 2}});
  Swarm<double> swarm(recipe, 2, std::vector<double>(length));
  swarm.place(1, std::vector<double>(length, 1000.0));
  swarm.mix_pair(0, 1);
  double squares = 0;
  for (const double value : swarm[0].parameters()) squares += value * value;
  EXPECT_NEAR(std::sqrt(squares), 0.5 * 2, 1e-12);
}

TEST(PartChecks, AdamWFollowsThePapersRecursion) {
  Recipe recipe = plain_recipe();
  recipe.gossip().inner = inner_steps().choose("adamw", {{"step_size", 0.01}});
  BasicReplica<double> replica(recipe, {1.0}, 1, 100);
  double x = 1;
  double first = 0;
  double second = 0;
  for (Step step = 0; step < 20; ++step) {
    replica.local_step(step, [](std::span<const double> at, std::span<double> out) {
      out[0] = std::sin(3 * at[0]);
      return 0.0;
    });
    const double gradient = std::sin(3 * x);
    const auto t = static_cast<double>(step + 1);
    first = 0.9 * first + 0.1 * gradient;
    second = 0.999 * second + 0.001 * gradient * gradient;
    const double mean = first / (1 - std::pow(0.9, t));
    const double scale = std::sqrt(second / (1 - std::pow(0.999, t))) + 1e-8;
    x -= 0.01 * (mean / scale + 0.01 * x);
    EXPECT_NEAR(replica.parameters()[0], x, 1e-13);
  }
}

/// The largest 32 of 4,096 coefficients keep nearly all of a smooth field; of
/// the values themselves they would keep 3 %.
TEST(PartChecks, CosineCoefficientsHoldASmoothField) {
  constexpr std::size_t side = 64;
  const Block block{0, side, side};
  std::vector<double> field(block.count());
  double whole = 0;
  for (std::size_t i = 0; i < field.size(); ++i) {
    const double row = static_cast<double>(i / side) / side;
    const double column = static_cast<double>(i % side) / side;
    field[i] = std::sin(2 * std::numbers::pi * row) + std::cos(3 * std::numbers::pi * column * row);
    whole += field[i] * field[i];
  }
  const auto kept = [&](std::string_view name) {
    const auto codec =
        codecs().choose(name, {{"density", 32.0 / 4096}}).make<double>(Codec<double>::Site{});
    Bytes bytes(codec->encoded_bytes(block));
    codec->encode(block, field, {}, bytes);
    std::vector<double> out(field.size());
    codec->decode(block, bytes, {}, out);
    double lost = 0;
    for (std::size_t i = 0; i < out.size(); ++i) lost += (out[i] - field[i]) * (out[i] - field[i]);
    return 1 - lost / whole;
  };
  EXPECT_GT(kept("dct_top_k"), 0.99);
  EXPECT_LT(kept("top_k"), 0.06);
}

TEST(PartChecks, AllCosineCoefficientsAreTheFieldItself) {
  const auto codec =
      codecs().choose("dct_top_k", {{"density", 1}}).make<double>(Codec<double>::Site{});
  const Block block{0, 70, 130};
  Rng rng(1);
  const auto values = normal_vector(rng, block.count());
  Bytes bytes(codec->encoded_bytes(block));
  codec->encode(block, values, {}, bytes);
  std::vector<double> out(values.size());
  codec->decode(block, bytes, {}, out);
  for (std::size_t i = 0; i < out.size(); ++i) EXPECT_NEAR(out[i], values[i], 1e-12);
}

}  // namespace
}  // namespace starling::optim
