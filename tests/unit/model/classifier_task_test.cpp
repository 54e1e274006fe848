#include "model/classifier_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <vector>

#include "model/synthetic.h"
#include "starling/rng.h"
#include "tests/support/source_dir.h"

namespace starling::model {
namespace {

using Values = std::vector<float>;

Values initial_parameters(const Task& task, std::uint64_t seed = 1) {
  Values parameters(task.parameter_count());
  task.initialize(parameters, seed);
  return parameters;
}

/// The problem of tools/mlp_golden.py.
struct GoldenProblem {
  std::unique_ptr<Task> task;
  Values parameters;
  BatchKey batch{0, 0, 6};

  GoldenProblem() {
    Dataset data{{}, {}, 5, 3};
    for (int i = 0; i < 30; ++i) data.features.push_back(static_cast<float>(std::sin(0.7 * i)));
    for (int i = 0; i < 6; ++i) data.labels.push_back(static_cast<Label>(i % 3));
    task = make_mlp_task({data, data}, {4});
    for (std::size_t i = 0; i < task->parameter_count(); ++i) {
      parameters.push_back(static_cast<float>(0.5 * std::cos(1.3 * static_cast<double>(i))));
    }
  }
};

TEST(ClassifierTask, LossAndGradientMatchTheGoldenNumbers) {
  const auto golden =
      nlohmann::json::parse(std::ifstream(STARLING_SOURCE_DIR "/tests/golden/mlp.json"));
  const auto gradient_golden = golden["gradient"].get<std::vector<double>>();
  GoldenProblem problem;
  Values gradient(problem.parameters.size());
  const double loss = problem.task->gradient(problem.parameters, problem.batch, gradient);
  EXPECT_NEAR(loss, golden["loss"].get<double>(), 1e-6);
  ASSERT_EQ(gradient.size(), gradient_golden.size());
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    EXPECT_NEAR(gradient[i], gradient_golden[i], 1e-6) << i;
  }
}

TEST(ClassifierTask, LossAgreesWithTheGradientsLossAndWithEvaluation) {
  GoldenProblem problem;
  Values gradient(problem.parameters.size());
  const double loss = problem.task->loss(problem.parameters, problem.batch);
  EXPECT_EQ(loss, problem.task->gradient(problem.parameters, problem.batch, gradient));
  EXPECT_NEAR(loss, problem.task->evaluate(problem.parameters)->loss, 1e-6);
}

TEST(ClassifierTask, TheLossOfABatchIsTheMeanOfItsSamplesLosses) {
  GoldenProblem problem;
  const auto losses = problem.task->losses(problem.parameters, problem.batch);
  ASSERT_EQ(losses.size(), 6U);
  double sum = 0;
  for (const double loss : losses) sum += loss;
  EXPECT_NEAR(sum / 6, problem.task->loss(problem.parameters, problem.batch), 1e-12);
}

TEST(ClassifierTask, APoissonBatchMayBeEmpty) {
  GoldenProblem problem;
  std::size_t least = 6;
  for (std::uint64_t step = 0; step < 50; ++step) {
    const BatchKey key{.seed = 1, .step = step, .size = 1, .is_poisson = true};
    least = std::min(least, problem.task->losses(problem.parameters, key).size());
  }
  EXPECT_EQ(least, 0U);
}

TEST(ClassifierTask, GradientOfThreeLayersMatchesFiniteDifferences) {
  const auto task = make_mlp_task(make_clusters({.train_count = 64, .test_count = 1}, 3), {12, 8});
  Values parameters = initial_parameters(*task);
  Rng rng(5);
  for (float& value : parameters) value += 0.1F * static_cast<float>(rng.normal());
  const BatchKey batch{1, 0, 16};
  Values gradient(parameters.size());
  task->gradient(parameters, batch, gradient);
  Values direction(parameters.size());
  for (int trial = 0; trial < 20; ++trial) {
    double slope = 0;
    Values above = parameters;
    Values below = parameters;
    for (std::size_t i = 0; i < direction.size(); ++i) {
      const float step = 1e-4F * static_cast<float>(rng.normal());
      above[i] += step;
      below[i] -= step;
      slope += static_cast<double>(gradient[i]) * static_cast<double>(above[i] - below[i]);
    }
    EXPECT_NEAR(task->loss(above, batch) - task->loss(below, batch), slope,
                2e-5 + 0.01 * std::abs(slope));
  }
}

/// A network of three layers away from its starting point, and three random directions.
struct DirectionProblem {
  std::unique_ptr<Task> task;
  Values parameters;
  std::vector<Values> directions;
  BatchKey batch{1, 0, 16};

  DirectionProblem() {
    task = make_mlp_task(make_clusters({.train_count = 64, .test_count = 1}, 3), {12, 8});
    parameters = initial_parameters(*task);
    Rng rng(5);
    for (float& value : parameters) value += 0.1F * static_cast<float>(rng.normal());
    directions.assign(3, Values(parameters.size()));
    for (Values& direction : directions) {
      for (float& value : direction) value = rng.below(2) == 0 ? 1.0F : -1.0F;
    }
  }

  [[nodiscard]] std::vector<double> derivatives() {
    std::vector<double> out(directions.size());
    task->derivatives(
        parameters, batch,
        [&](std::size_t index, std::span<float> z) {
          std::ranges::copy(directions[index], z.begin());
        },
        out);
    return out;
  }
};

TEST(ClassifierTask, ForwardDerivativesAreTheGradientAlongEachDirection) {
  DirectionProblem problem;
  Values gradient(problem.parameters.size());
  problem.task->gradient(problem.parameters, problem.batch, gradient);
  const std::vector<double> derivatives = problem.derivatives();
  for (std::size_t j = 0; j < derivatives.size(); ++j) {
    const Values& z = problem.directions[j];
    const double expected = std::inner_product(z.begin(), z.end(), gradient.begin(), 0.0);
    EXPECT_NEAR(derivatives[j], expected, 1e-4 * std::abs(expected));
  }
}

TEST(ClassifierTask, ForwardDerivativesAreTheLimitOfDifferenceQuotients) {
  DirectionProblem problem;
  const std::vector<double> derivatives = problem.derivatives();
  const double step = 0x1.0p-17;  // within wider steps some ReLU changes sides
  for (std::size_t j = 0; j < derivatives.size(); ++j) {
    Values above = problem.parameters;
    Values below = problem.parameters;
    for (std::size_t i = 0; i < above.size(); ++i) {
      above[i] += static_cast<float>(step) * problem.directions[j][i];
      below[i] -= static_cast<float>(step) * problem.directions[j][i];
    }
    const double quotient =
        (problem.task->loss(above, problem.batch) - problem.task->loss(below, problem.batch)) /
        (2 * step);
    EXPECT_NEAR(quotient, derivatives[j], 0.01);  // losses are rounded to 1e-7
  }
}

TEST(ClassifierTask, TheShareOfErrorsIsALossWithoutAGradient) {
  const auto data = make_clusters({.train_count = 64, .test_count = 64}, 3);
  const auto task = make_mlp_task({data.test, data.test}, {12}, 1.0, Objective::error_share);
  const Values parameters = [&] {
    Values values = initial_parameters(*task);
    Rng rng(5);
    for (float& value : values) value += 0.1F * static_cast<float>(rng.normal());
    return values;
  }();
  EXPECT_FALSE(task->has_gradient());
  EXPECT_FALSE(task->has_derivatives());
  const double share = task->loss(parameters, {1, 0, 64});
  EXPECT_NEAR(share, 1 - task->evaluate(parameters)->accuracy, 1e-12);
  EXPECT_GT(share, 0.0);
}

TEST(ClassifierTask, TheSameKeyGivesTheSameLossWhateverCameBetween) {
  const auto task = make_softmax_task(make_clusters({.train_count = 100, .test_count = 1}, 3));
  Values parameters(task->parameter_count(), 0.01F);
  for (std::size_t i = 0; i < parameters.size(); i += 3) parameters[i] = -0.02F;
  const double first = task->loss(parameters, {7, 12, 16});
  EXPECT_NE(task->loss(parameters, {7, 13, 16}), first);
  EXPECT_NE(task->loss(parameters, {8, 12, 16}), first);
  EXPECT_NE(task->loss(parameters, {7, 12, 17}), first);
  EXPECT_EQ(task->loss(parameters, {7, 12, 16}), first);
}

TEST(ClassifierTask, KeptActivationsOfUnchangedLayersNeverChangeTheLoss) {
  const auto make = [] {
    return make_mlp_task(make_clusters({.train_count = 64, .test_count = 64}, 3), {12, 8});
  };
  const auto keeps = make();
  Values parameters = initial_parameters(*keeps);
  Values gradient(parameters.size());
  Rng rng(6);
  for (int i = 0; i < 60; ++i) {
    const std::size_t from = rng.below(4) * (parameters.size() / 4);  // a suffix, or all
    for (std::size_t k = from; k < parameters.size(); ++k) {
      parameters[k] += 0.05F * static_cast<float>(rng.normal());
    }
    const BatchKey batch{1, static_cast<std::uint64_t>(i / 10), 16};
    if (i % 7 == 3) static_cast<void>(keeps->evaluate(parameters));
    if (i % 5 == 2) keeps->gradient(parameters, batch, gradient);
    EXPECT_EQ(keeps->loss(parameters, batch), make()->loss(parameters, batch)) << i;
    EXPECT_EQ(keeps->loss(parameters, batch), make()->loss(parameters, batch)) << i;
  }
}

TEST(ClassifierTask, AnOutputLayerOfZerosPredictsUniformly) {
  const auto task = make_mlp_task(make_clusters({.train_count = 64, .test_count = 64}, 3), {16});
  const Values parameters = initial_parameters(*task);
  EXPECT_NEAR(task->evaluate(parameters)->loss, std::log(10.0), 1e-5);
}

TEST(ClassifierTask, HiddenLayersStartWithTheVarianceOfHe) {
  const auto task = make_mlp_task(make_clusters({.train_count = 1, .test_count = 1}, 3), {2000});
  const Values parameters = initial_parameters(*task);
  double squares = 0;
  for (std::size_t i = 0; i < 32 * 2000; ++i)
    squares += std::pow(static_cast<double>(parameters[i]), 2);
  EXPECT_NEAR(squares / (32 * 2000), 2.0 / 32, 0.002);
  EXPECT_EQ(parameters, initial_parameters(*task, 1));
  EXPECT_NE(parameters, initial_parameters(*task, 2));
}

TEST(ClassifierTask, SegmentsCoverTheParametersInOrder) {
  const auto task = make_mlp_task(make_clusters({.train_count = 1, .test_count = 1}, 3), {64});
  std::size_t end = 0;
  for (const Segment& segment : task->segments()) {
    EXPECT_EQ(segment.offset, end) << segment.name;
    end += segment.length();
  }
  EXPECT_EQ(end, task->parameter_count());
  EXPECT_EQ(end, 32U * 64 + 64 + 64 * 10 + 10);
  EXPECT_EQ(task->segments()[2].name, "layers.1.weight");
}

TEST(ClassifierTask, HasNoEvaluationWithoutTestData) {
  SplitDataset data = make_clusters({.train_count = 4, .test_count = 4}, 3);
  data.test = {};
  EXPECT_FALSE(make_softmax_task(data)->evaluate(Values(330)).has_value());
}

}  // namespace
}  // namespace starling::model
