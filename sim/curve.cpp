#include "sim/curve.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

namespace starling::sim {
namespace {

using Models = std::vector<std::vector<float>>;

/// Each node counts the same: what uniform mixing conserves. models: at least one, of equal length.
std::vector<double> mean_of(const Models& models) {
  std::vector<double> mean(models.front().size());
  for (const auto& model : models) {
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += static_cast<double>(model[i]);
  }
  for (double& value : mean) value /= static_cast<double>(models.size());
  return mean;
}

/// Root mean square over the models of their L2 distance to the mean.
double distance_to(const std::vector<double>& mean, const Models& models) {
  double squares = 0;
  for (const auto& model : models) {
    for (std::size_t i = 0; i < mean.size(); ++i) {
      const double difference = static_cast<double>(model[i]) - mean[i];
      squares += difference * difference;
    }
  }
  return std::sqrt(squares / static_cast<double>(models.size()));
}

}  // namespace

CurvePoint look_at_models(std::span<SimNode> nodes, Instant now) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  CurvePoint point{.at = now,
                   .accuracy_mean = none,
                   .accuracy_least = none,
                   .accuracy_mean_model = none,
                   .consensus_distance = none};
  Models models;
  SimNode* evaluator = nullptr;  // all nodes of a run have the same test data
  double sum = 0;
  double least = std::numeric_limits<double>::infinity();
  for (SimNode& node : nodes) {
    if (!node.is_running()) continue;
    models.push_back(node.settled_model(now));
    evaluator = &node;
    const double accuracy = node.accuracy_of(models.back());
    sum += accuracy;
    least = std::min(least, accuracy);
  }
  if (models.empty()) return point;
  point.nodes = models.size();
  point.accuracy_mean = sum / static_cast<double>(models.size());
  if (std::isfinite(point.accuracy_mean)) point.accuracy_least = least;
  const std::vector<double> mean = mean_of(models);
  point.consensus_distance = distance_to(mean, models);
  point.accuracy_mean_model = evaluator->accuracy_of({mean.begin(), mean.end()});
  return point;
}

}  // namespace starling::sim
