#include "model/synthetic.h"

#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "starling/check.h"
#include "starling/rng.h"

namespace starling::model {
namespace {

constexpr std::size_t cluster_features = 32;
constexpr std::size_t cluster_classes = 10;
constexpr std::size_t cluster_count = 30;

/// centres: cluster_count x cluster_features.
Dataset draw_samples(std::span<const float> centres, std::size_t count, Rng& rng) {
  Dataset data{{}, {}, cluster_features, cluster_classes};
  data.features.reserve(count * cluster_features);
  for (std::size_t i = 0; i < count; ++i) {
    const auto cluster = static_cast<std::size_t>(rng.below(cluster_count));
    data.labels.push_back(static_cast<Label>(cluster % cluster_classes));
    for (const float centre : centres.subspan(cluster * cluster_features, cluster_features)) {
      data.features.push_back(centre + static_cast<float>(rng.normal()));
    }
  }
  return data;
}

struct Quadratic {
  std::vector<double> curvature;  // a
  std::vector<double> optimum;    // b
};

Quadratic draw_quadratic(std::size_t dimension, Rng rng) {
  Quadratic objective;
  for (std::size_t k = 0; k < dimension; ++k) {
    objective.curvature.push_back(1.0 + 9.0 * rng.uniform());
    objective.optimum.push_back(rng.normal());
  }
  return objective;
}

class QuadraticTask final : public Task {
 public:
  explicit QuadraticTask(const QuadraticOptions& options)
      : curvature_mean_(options.dimension), optimum_(options.dimension) {
    STARLING_CHECK(options.node_index < options.node_count);
    for (std::uint32_t node = 0; node < options.node_count; ++node) {
      auto objective = draw_quadratic(options.dimension, Rng::for_stream(options.seed, node));
      for (std::size_t k = 0; k < options.dimension; ++k) {
        curvature_mean_[k] += objective.curvature[k] / options.node_count;
        optimum_[k] += objective.curvature[k] * objective.optimum[k] / options.node_count;
      }
      if (node == options.node_index) own_ = std::move(objective);
    }
    for (std::size_t k = 0; k < options.dimension; ++k) optimum_[k] /= curvature_mean_[k];
  }

  [[nodiscard]] std::size_t parameter_count() const override { return optimum_.size(); }
  [[nodiscard]] bool has_gradient() const override { return true; }

  [[nodiscard]] double loss(std::span<const float> parameters, const BatchKey&) override {
    return value(own_.curvature, own_.optimum, parameters);
  }

  double gradient(std::span<const float> parameters, const BatchKey&,
                  std::span<float> out) override {
    STARLING_CHECK(out.size() == parameter_count());
    const double own_loss = value(own_.curvature, own_.optimum, parameters);
    for (std::size_t k = 0; k < out.size(); ++k) {
      const double offset = static_cast<double>(parameters[k]) - own_.optimum[k];
      out[k] = static_cast<float>(own_.curvature[k] * offset);
    }
    return own_loss;
  }

  [[nodiscard]] std::optional<Evaluation> evaluate(std::span<const float> parameters) override {
    return Evaluation{value(curvature_mean_, optimum_, parameters),
                      std::numeric_limits<double>::quiet_NaN()};
  }

 private:
  static double value(std::span<const double> curvature, std::span<const double> optimum,
                      std::span<const float> parameters) {
    STARLING_CHECK(parameters.size() == optimum.size());
    double sum = 0;
    for (std::size_t k = 0; k < optimum.size(); ++k) {
      const double offset = static_cast<double>(parameters[k]) - optimum[k];
      sum += 0.5 * curvature[k] * offset * offset;
    }
    return sum;
  }

  Quadratic own_;
  std::vector<double> curvature_mean_;  // of all nodes
  std::vector<double> optimum_;         // of the mean objective
};

}  // namespace

SplitDataset make_clusters(const ClusterOptions& options, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<float> centres(cluster_count * cluster_features);
  for (float& value : centres) value = static_cast<float>(options.spread * rng.normal());
  Dataset train = draw_samples(centres, options.train_count, rng);
  Dataset test = draw_samples(centres, options.test_count, rng);
  return {std::move(train), std::move(test)};
}

std::unique_ptr<Task> make_quadratic_task(const QuadraticOptions& options) {
  return std::make_unique<QuadraticTask>(options);
}

}  // namespace starling::model
