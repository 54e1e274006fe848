#pragma once
// A few replicas on a graph, driven in rounds or pairs, for the numeric checks of LEARNING.md 3.

#include <cmath>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "optim/mixer/weights.h"
#include "optim/replica.h"
#include "starling/rng.h"

namespace starling::optim::testing_support {

[[nodiscard]] inline EdgeKey key_of(std::size_t node) {
  EdgeKey key;
  key.bytes[0] = static_cast<std::uint8_t>(node);
  return key;
}

template <class Scalar>
class Swarm {
 public:
  /// Writes node's gradient at x into out.
  using Gradient =
      std::function<void(std::size_t node, std::span<const Scalar> x, std::span<Scalar> out)>;

  Swarm(const Recipe& recipe, std::size_t nodes, std::vector<Scalar> start) {
    for (std::size_t i = 0; i < nodes; ++i) nodes_.emplace_back(recipe, start, 100 + i, 1000000);
  }

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] BasicReplica<Scalar>& operator[](std::size_t i) { return nodes_[i]; }

  /// Gives node i the parameters x: one step of size 1 along start - x.
  void place(std::size_t i, std::span<const Scalar> x) {
    nodes_[i].local_step(0, [&](std::span<const Scalar> at, std::span<Scalar> out) {
      for (std::size_t k = 0; k < out.size(); ++k) out[k] = at[k] - x[k];
      return 0.0;
    });
  }

  void step(const Gradient& gradient) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      nodes_[i].local_step(step_, [&](std::span<const Scalar> x, std::span<Scalar> out) {
        gradient(i, x, out);
        return 0.0;
      });
    }
    ++step_;
  }

  /// One synchronous round on a ring with Metropolis weights (1/3 for 3 nodes or more).
  void mix_ring() {
    std::vector<std::vector<std::size_t>> neighbours(nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      neighbours[i] = {(i + 1) % nodes_.size(), (i + nodes_.size() - 1) % nodes_.size()};
    }
    mix(neighbours, static_cast<float>(metropolis_weight(2, 2)));
  }

  void mix_full() {
    std::vector<std::vector<std::size_t>> neighbours(nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      for (std::size_t j = 0; j < nodes_.size(); ++j) {
        if (i != j) neighbours[i].push_back(j);
      }
    }
    const std::size_t degree = nodes_.size() - 1;
    mix(neighbours, static_cast<float>(metropolis_weight(degree, degree)));
  }

  void mix_pair(std::size_t i, std::size_t j) {
    const Bytes a = nodes_[i].encode();
    const Bytes b = nodes_[j].encode();
    const auto half = static_cast<float>(pair_weight);
    const WeightedPayload to_i{key_of(j), half, b};
    const WeightedPayload to_j{key_of(i), half, a};
    refused_ += nodes_[i].mix(a, {&to_i, 1}).size() + nodes_[j].mix(b, {&to_j, 1}).size();
  }

  void mix_random_matching(Rng& rng) {
    std::vector<std::size_t> order(nodes_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    rng.shuffle(std::span(order));
    for (std::size_t i = 0; i + 1 < order.size(); i += 2) mix_pair(order[i], order[i + 1]);
  }

  /// Mean over nodes of what `vector_of` gives, in double.
  template <class VectorOf>
  [[nodiscard]] std::vector<double> mean(VectorOf vector_of) {
    std::vector<double> sum;
    for (auto& node : nodes_) {
      const auto vector = vector_of(node);
      sum.resize(vector.size());
      for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += static_cast<double>(vector[k]);
    }
    for (double& value : sum) value /= static_cast<double>(nodes_.size());
    return sum;
  }
  [[nodiscard]] std::vector<double> mean_parameters() {
    return mean([](auto& node) { return node.parameters(); });
  }
  [[nodiscard]] std::vector<double> mean_correction() {
    return mean([](auto& node) { return node.correction(); });
  }

  /// sum_i |x_i - target|^2
  [[nodiscard]] double squared_distance(std::span<const double> target) {
    double sum = 0;
    for (auto& node : nodes_) {
      for (std::size_t k = 0; k < target.size(); ++k) {
        const double gap = static_cast<double>(node.parameters()[k]) - target[k];
        sum += gap * gap;
      }
    }
    return sum;
  }

  [[nodiscard]] std::size_t refused() const { return refused_; }

 private:
  void mix(const std::vector<std::vector<std::size_t>>& neighbours, float weight) {
    std::vector<Bytes> payloads;
    for (auto& node : nodes_) payloads.push_back(node.encode());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      std::vector<WeightedPayload> peers;
      for (const std::size_t j : neighbours[i]) peers.push_back({key_of(j), weight, payloads[j]});
      refused_ += nodes_[i].mix(payloads[i], peers).size();
    }
  }

  std::vector<BasicReplica<Scalar>> nodes_;
  Step step_ = 0;
  std::size_t refused_ = 0;
};

[[nodiscard]] inline double norm(std::span<const double> vector) {
  double sum = 0;
  for (const double value : vector) sum += value * value;
  return std::sqrt(sum);
}

template <class Scalar = double>
[[nodiscard]] std::vector<Scalar> normal_vector(Rng& rng, std::size_t length) {
  std::vector<Scalar> vector(length);
  for (Scalar& value : vector) value = static_cast<Scalar>(rng.normal());
  return vector;
}

}  // namespace starling::optim::testing_support
