// Checks C5 and C6 of LEARNING.md section 3: push-sum, random matchings, hypercube.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "optim/mixer/push_sum.h"
#include "tests/unit/optim/swarm.h"

namespace starling::optim {
namespace {

using testing_support::key_of;
using testing_support::normal_vector;
using testing_support::Swarm;

// Ten nodes with one to three receivers each; strongly connected by the ring i -> i + 1.
std::vector<std::vector<NodeId>> uneven_digraph() {
  std::vector<std::vector<NodeId>> receivers(10);
  for (std::size_t i = 0; i < receivers.size(); ++i) {
    for (std::size_t extra = 0; extra <= i % 3; ++extra) {
      receivers[i].push_back(key_of((i + 1 + 2 * extra) % receivers.size()));
    }
  }
  return receivers;
}

class PushNetwork {
 public:
  explicit PushNetwork(double loss) : receivers_(uneven_digraph()), loss_(loss) {
    for (std::size_t i = 0; i < receivers_.size(); ++i) {
      const double value = std::pow(static_cast<double>(i), 1.5) / 3.0;
      average_ += value / static_cast<double>(receivers_.size());
      nodes_.emplace_back(std::vector{value});
    }
  }

  void round() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      nodes_[i].push(receivers_[i], 1.0 / static_cast<double>(receivers_[i].size() + 1));
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      for (const NodeId& receiver : receivers_[i]) {
        if (rng_.uniform() < loss_) continue;
        nodes_[receiver.bytes[0]].receive(key_of(i), nodes_[i].sent(receiver));
      }
    }
  }

  [[nodiscard]] double error() const {
    double worst = 0;
    for (const PushSum& node : nodes_) {
      worst = std::max(worst, std::abs(node.estimate()[0] - average_));
    }
    return worst;
  }
  [[nodiscard]] double undebiased_error() const {
    double worst = 0;
    for (const PushSum& node : nodes_) {
      worst = std::max(worst, std::abs(node.mass().values[0] - average_));
    }
    return worst;
  }
  [[nodiscard]] double total_weight() const {
    double total = 0;
    for (const PushSum& node : nodes_) total += node.mass().weight;
    return total;
  }

 private:
  std::vector<std::vector<NodeId>> receivers_;
  std::vector<PushSum> nodes_;
  double average_ = 0;
  double loss_;
  Rng rng_{1};
};

TEST(CheckC5, PushSumFindsTheAverageOnAnUnevenDigraph) {
  PushNetwork network(0.0);
  for (int round = 0; round < 50; ++round) network.round();
  EXPECT_LT(network.error(), 6e-7);  // documented 2.9e-7
  for (int round = 50; round < 100; ++round) network.round();
  EXPECT_LT(network.error(), 1e-13);           // documented 1e-14 (of values up to 9)
  EXPECT_GT(network.undebiased_error(), 1.0);  // documented 2.70: the weights matter
  EXPECT_NEAR(network.total_weight(), 10.0, 1e-12);
}

TEST(CheckC5, RunningSumsMakeGoodForLostMessages) {
  PushNetwork network(0.2);
  for (int round = 0; round < 300; ++round) network.round();
  EXPECT_LT(network.error(), 2e-12);  // documented 1e-12
}

TEST(CheckC5, WeightsStayOneOnADoublyStochasticGraph) {
  std::vector<PushSum> nodes(8, PushSum(std::vector{1.0}));
  for (int round = 0; round < 100; ++round) {
    for (std::size_t i = 0; i < nodes.size(); ++i)
      nodes[i].push(std::vector{key_of((i + 1) % 8)}, 0.5);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      nodes[(i + 1) % 8].receive(key_of(i), nodes[i].sent(key_of((i + 1) % 8)));
    }
  }
  for (const PushSum& node : nodes) EXPECT_EQ(node.mass().weight, 1.0);
}

Recipe pairs() {
  Recipe recipe;
  recipe.name = "check";
  recipe.gossip().inner.settings.set("step_size", 1.0);
  return recipe;
}

Swarm<double> scattered(std::size_t nodes, std::uint64_t seed) {
  Swarm<double> swarm(pairs(), nodes, std::vector<double>(1000));
  Rng rng(seed);
  for (std::size_t i = 0; i < nodes; ++i) swarm.place(i, normal_vector(rng, 1000));
  return swarm;
}

class RandomMatching : public testing::TestWithParam<std::size_t> {};

TEST_P(RandomMatching, ContractsTheVarianceByItsExactFactor) {
  const std::size_t nodes = GetParam();
  const double factor =
      static_cast<double>(nodes - 2) / (2.0 * static_cast<double>(nodes - 1));  // .333/.429/.484
  Rng rng(nodes);
  double measured = 0;
  constexpr int draws = 300;
  for (int draw = 0; draw < draws; ++draw) {
    auto swarm = scattered(nodes, static_cast<std::uint64_t>(draw));
    const auto mean = swarm.mean_parameters();
    const double before = swarm.squared_distance(mean);
    swarm.mix_random_matching(rng);
    measured += swarm.squared_distance(mean) / before / draws;
  }
  EXPECT_NEAR(measured, factor, 0.005);
}

INSTANTIATE_TEST_SUITE_P(CheckC6, RandomMatching, testing::Values(4, 8, 32));

TEST(CheckC6, HypercubeIsExactAfterLogarithmicallyManyRounds) {
  auto swarm = scattered(16, 1);
  const auto mean = swarm.mean_parameters();
  for (std::size_t bit = 1; bit < 16; bit *= 2) {
    EXPECT_GT(swarm.squared_distance(mean), 1.0);
    for (std::size_t i = 0; i < 16; ++i) {
      if ((i & bit) == 0) swarm.mix_pair(i, i | bit);
    }
  }
  EXPECT_LT(swarm.squared_distance(mean), 1e-26);
}

}  // namespace
}  // namespace starling::optim
