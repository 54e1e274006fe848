// Reduction identities (LEARNING.md section 3): one method with a part made trivial is another.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "optim/recipe_axes.h"
#include "tests/unit/optim/swarm.h"

namespace starling::optim {
namespace {

using testing_support::normal_vector;
using testing_support::Swarm;

constexpr std::size_t length = 5;

Recipe rounds(double step_size) {
  Recipe recipe;
  recipe.name = "reduction";
  GossipRecipe& gossip = recipe.gossip();
  gossip.mixer = mixers().choose("metropolis");
  gossip.clock = clocks().choose("rounds");
  gossip.inner.settings.set("step_size", step_size);
  return recipe;
}

Recipe tracking(double step_size) {
  Recipe recipe = rounds(step_size);
  recipe.gossip().correction = corrections().choose("gradient_tracking");
  return recipe;
}

// Small whole curvatures and centres: with a step of 1/8 and pair weights of 1/2 every number of a
// short run is a dyadic fraction that a double holds exactly, so that methods which only differ in
// the order of additions agree bit for bit.
template <class Scalar>
void pull(std::size_t node, std::span<const Scalar> x, std::span<Scalar> out) {
  for (std::size_t k = 0; k < x.size(); ++k) {
    const auto curvature = static_cast<Scalar>(1 + (node + k) % 3);
    out[k] = curvature * (x[k] - static_cast<Scalar>(2 * node + k));
  }
}

template <class Scalar>
std::vector<Scalar> parameters_of(Swarm<Scalar>& swarm, std::size_t node) {
  const auto x = swarm[node].parameters();
  return {x.begin(), x.end()};
}

template <class Scalar>
void expect_equal_nodes(Swarm<Scalar>& a, Swarm<Scalar>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(parameters_of(a, i), parameters_of(b, i));
}

// DIGing in the adapt-then-combine form, written from the paper's recursion with y and g_old:
// x <- W (x - a y);  y <- W y + g_new - g_old. W: both of two nodes get the mean.
std::vector<std::vector<double>> textbook_tracking_of_two(int steps, double step_size) {
  std::vector<std::vector<double>> x(2, std::vector<double>(length));
  auto g_old = x;
  for (std::size_t i = 0; i < 2; ++i) pull<double>(i, x[i], g_old[i]);
  auto y = g_old;
  for (int step = 0; step < steps; ++step) {
    for (std::size_t k = 0; k < length; ++k) {
      const double moved[] = {x[0][k] - step_size * y[0][k], x[1][k] - step_size * y[1][k]};
      x[0][k] = x[1][k] = (moved[0] + moved[1]) / 2;
      y[0][k] = y[1][k] = (y[0][k] + y[1][k]) / 2;
    }
    for (std::size_t i = 0; i < 2; ++i) {
      std::vector<double> g_new(length);
      pull<double>(i, x[i], g_new);
      for (std::size_t k = 0; k < length; ++k) y[i][k] += g_new[k] - g_old[i][k];
      g_old[i] = g_new;
    }
  }
  return x;
}

TEST(Reduction, LocalTrackingWithOneStepIsGradientTracking) {
  Recipe recipe = tracking(0.125);
  recipe.gossip().mixer = mixers().choose("pair");
  Swarm<double> swarm(recipe, 2, std::vector<double>(length));
  for (int step = 0; step < 10; ++step) {
    swarm.step(pull<double>);
    swarm.mix_pair(0, 1);
  }
  const auto expected = textbook_tracking_of_two(10, 0.125);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(parameters_of(swarm, i), expected[i]);
}

TEST(Reduction, BeerWithTheIdentityCodecIsGradientTracking) {
  Recipe beer = tracking(0.02);
  beer.gossip().memory = memories().choose("hat_copy");
  Swarm<double> compressed(beer, 6, std::vector<double>(length));
  Swarm<double> plain(tracking(0.02), 6, std::vector<double>(length));
  for (int step = 0; step < 200; ++step) {
    compressed.step(pull<double>);
    compressed.mix_ring();
    plain.step(pull<double>);
    plain.mix_ring();
  }
  // hat + (x - hat) rounds where x does not: equal to rounding, not bit for bit.
  for (std::size_t i = 0; i < 6; ++i) {
    for (std::size_t k = 0; k < length; ++k) {
      EXPECT_NEAR(compressed[i].parameters()[k], plain[i].parameters()[k], 1e-11);
    }
  }
}

TEST(Reduction, BeerWithTheIdentityCodecIsGradientTrackingBitForBitOnDyadicNumbers) {
  Recipe beer = tracking(0.125);
  beer.gossip().memory = memories().choose("hat_copy");
  beer.gossip().consensus_step = 0.5;
  Recipe plain_recipe = tracking(0.125);
  plain_recipe.gossip().consensus_step = 0.5;
  Swarm<double> compressed(beer, 2, std::vector<double>(length));
  Swarm<double> plain(plain_recipe, 2, std::vector<double>(length));
  for (int step = 0; step < 10; ++step) {
    compressed.step(pull<double>);
    compressed.mix_full();
    plain.step(pull<double>);
    plain.mix_full();
  }
  expect_equal_nodes(compressed, plain);
}

TEST(Reduction, MomentumOfZeroIsSgd) {
  Recipe momentum = rounds(0.1);
  momentum.gossip().inner = inner_steps().choose("momentum", {{"step_size", 0.1}});
  Swarm<float> heavy(momentum, 4, std::vector<float>(length));
  Swarm<float> plain(rounds(0.1), 4, std::vector<float>(length));
  for (int step = 0; step < 50; ++step) {
    heavy.step(pull<float>);
    heavy.mix_ring();
    plain.step(pull<float>);
    plain.mix_ring();
  }
  expect_equal_nodes(heavy, plain);
}

TEST(Reduction, ConsensusStepOfZeroIsLocalSgd) {
  Recipe recipe = rounds(0.1);
  recipe.gossip().consensus_step = 0.0;
  Swarm<float> gossiping(recipe, 4, std::vector<float>(length));
  Swarm<float> alone(rounds(0.1), 4, std::vector<float>(length));
  for (int step = 0; step < 50; ++step) {
    gossiping.step(pull<float>);
    gossiping.mix_ring();
    alone.step(pull<float>);
  }
  expect_equal_nodes(gossiping, alone);
}

TEST(Reduction, TrackingOfOneNodeIsSgd) {
  Swarm<float> tracked(tracking(0.1), 1, std::vector<float>(length));
  Swarm<float> plain(rounds(0.1), 1, std::vector<float>(length));
  for (int step = 0; step < 50; ++step) {
    tracked.step(pull<float>);
    tracked.mix_full();
    plain.step(pull<float>);
  }
  expect_equal_nodes(tracked, plain);
}

TEST(Reduction, FullAveragingEveryStepIsLargeBatchSgd) {
  constexpr std::size_t nodes = 4;
  Swarm<double> swarm(rounds(0.1), nodes, std::vector<double>(length));
  std::vector<double> central(length);
  for (int step = 0; step < 50; ++step) {
    swarm.step(pull<double>);
    swarm.mix_full();
    std::vector<double> total(length);
    for (std::size_t i = 0; i < nodes; ++i) {
      std::vector<double> gradient(length);
      pull<double>(i, central, gradient);
      for (std::size_t k = 0; k < length; ++k) total[k] += gradient[k] / nodes;
    }
    for (std::size_t k = 0; k < length; ++k) central[k] -= 0.1 * total[k];
  }
  for (std::size_t i = 0; i < nodes; ++i) {
    for (std::size_t k = 0; k < length; ++k) {
      EXPECT_NEAR(swarm[i].parameters()[k], central[k], 1e-12);
    }
  }
}

}  // namespace
}  // namespace starling::optim
