#include "node/cli/testnet_curve.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "node/cli/progress.h"
#include "node/cli/report_text.h"
#include "node/runtime/evaluated_models.h"

namespace starling::cli {
namespace {

// Of all nodes together. Our guess: what a laptop has to spare for the time of an experiment.
constexpr std::uint64_t disk_bytes_max = 2'000'000'000;

struct KeptModel {
  std::vector<float> parameters;
  NodeSample told;
};

/// The moment of the evaluation itself; a later line of the same step is of the merge.
const NodeSample* sample_of(std::span<const NodeSample> samples, Step step) {
  const auto is_it = [step](const NodeSample& sample) {
    return sample.step == step && !std::isnan(sample.accuracy);
  };
  const auto found = std::ranges::find_if(samples, is_it);
  return found == samples.end() ? nullptr : &*found;
}

std::vector<double> mean_of(std::span<const KeptModel> models) {
  std::vector<double> mean(models.front().parameters.size());
  for (const KeptModel& model : models) {
    for (std::size_t i = 0; i < mean.size(); ++i) {
      mean[i] += static_cast<double>(model.parameters[i]);
    }
  }
  for (double& value : mean) value /= static_cast<double>(models.size());
  return mean;
}

/// sqrt(mean |x_i - mean|^2) / |mean|.
double relative_distance(const std::vector<double>& mean, std::span<const KeptModel> models) {
  double squares = 0;
  double norm = 0;
  for (const KeptModel& model : models) {
    for (std::size_t i = 0; i < mean.size(); ++i) {
      const double difference = static_cast<double>(model.parameters[i]) - mean[i];
      squares += difference * difference;
    }
  }
  for (const double value : mean) norm += value * value;
  return norm > 0 ? std::sqrt(squares / static_cast<double>(models.size()) / norm) : 0;
}

/// models: at least one.
MeanPoint point_of(std::span<const KeptModel> models, Task& task) {
  MeanPoint point{.nodes = static_cast<std::uint32_t>(models.size())};
  for (const KeptModel& model : models) {
    point.time_s = std::max(point.time_s, model.told.time_s);
    point.bytes_sent += model.told.bytes_sent;
    point.accuracy_nodes_mean += model.told.accuracy / static_cast<double>(models.size());
  }
  const std::vector<double> mean = mean_of(models);
  point.consensus_distance = relative_distance(mean, models);
  const auto quality = task.evaluate(std::vector<float>(mean.begin(), mean.end()));
  point.accuracy_mean_model =
      quality ? quality->accuracy : std::numeric_limits<double>::quiet_NaN();
  return point;
}

}  // namespace

Result<std::uint32_t> models_kept_for_curve(const TestnetPlan& plan, std::uint64_t parameters) {
  // One per interval, the last one cut short, and one for a node that is pulled forward.
  const auto models = static_cast<std::uint32_t>(plan.run.steps / plan.run.evaluate_every + 2);
  const std::uint64_t bytes = std::uint64_t{4} * parameters * models * plan.shards();
  if (bytes <= disk_bytes_max) return models;
  return failure("no curve of the mean model: the nodes' models at " + std::to_string(models) +
                 " evaluations take " + bytes_text(bytes) + " of the disk, allowed are " +
                 bytes_text(disk_bytes_max));
}

Result<std::vector<MeanPoint>> mean_curve(std::span<const CurveSource> nodes, Step evaluate_every,
                                          Task& task) {
  // evaluation -> node -> file; the later of two models that belong to one evaluation.
  std::map<Step, std::map<std::size_t, std::pair<Step, std::filesystem::path>>> evaluations;
  for (std::size_t node = 0; node < nodes.size(); ++node) {
    for (auto& [step, file] : runtime::EvaluatedModels::kept_in(nodes[node].directory)) {
      evaluations[step / evaluate_every].insert_or_assign(node, std::pair{step, file});
    }
  }
  std::vector<MeanPoint> curve;
  for (const auto& [evaluation, files] : evaluations) {
    std::vector<KeptModel> models;
    for (const auto& [node, kept] : files) {
      const NodeSample* told = sample_of(nodes[node].samples, kept.first);
      if (told == nullptr) continue;  // killed between the file and the line
      auto parameters = runtime::EvaluatedModels::read(kept.second, task.parameter_count());
      if (!parameters) return std::unexpected(parameters.error());
      models.push_back({std::move(*parameters), *told});
    }
    if (models.empty()) continue;
    curve.push_back(point_of(models, task));
    curve.back().step = evaluation * evaluate_every;
  }
  return curve;
}

std::string curve_text(std::span<const MeanPoint> curve) {
  std::string text;
  for (const MeanPoint& point : curve) {
    text += (text.empty() ? "at " : ", at ") + fixed_text(point.time_s, 1) + " s " +
            percent_text(point.accuracy_mean_model);
  }
  return text;
}

}  // namespace starling::cli
