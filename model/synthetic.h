#pragma once
// Small objectives made from a seed, for the simulator and for numeric checks.

#include <cstdint>
#include <memory>

#include "model/dataset.h"
#include "starling/task.h"

namespace starling::model {

/// Gaussian clusters in 32 dimensions, 3 of them for each of 10 classes, as in LEARNING.md, C10.
struct ClusterOptions {
  std::size_t train_count = 4096;
  std::size_t test_count = 2048;
  /// Deviation of a cluster's centre per coordinate; the deviation within a cluster is 1. Chosen so
  /// that the 32-64-10 perceptron, trained centrally, reaches about 90 %.
  double spread = 0.8;
};

/// A pure function of (options, seed).
[[nodiscard]] SplitDataset make_clusters(const ClusterOptions& options, std::uint64_t seed);

/// f_i(x) = 1/2 sum_k a_ik (x_k - b_ik)^2 with a_ik uniform in [1, 10] and b_ik standard normal, as
/// in LEARNING.md, C1; every node i has an objective of its own, the flock minimizes their mean.
/// Batches do not matter. evaluate(): loss is the mean objective above its minimum, accuracy NaN.
struct QuadraticOptions {
  std::size_t dimension = 20;
  std::uint32_t node_count = 1;
  std::uint32_t node_index = 0;  ///< Below node_count.
  std::uint64_t seed = 0;        ///< Of the whole flock's objectives.
};

[[nodiscard]] std::unique_ptr<Task> make_quadratic_task(const QuadraticOptions& options);

}  // namespace starling::model
