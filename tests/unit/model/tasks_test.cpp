#include "model/tasks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "model/synthetic.h"

namespace starling::model {
namespace {

using testing::HasSubstr;
using Values = std::vector<float>;

/// Plain SGD from the task's own start.
Values train(Task& task, int steps, float step_size) {
  Values parameters(task.parameter_count());
  task.initialize(parameters, 1);
  Values gradient(parameters.size());
  for (int step = 0; step < steps; ++step) {
    task.gradient(parameters, {1, static_cast<std::uint64_t>(step), 32}, gradient);
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i] -= step_size * gradient[i];
  }
  return parameters;
}

TEST(Tasks, UnknownNameIsRefusedWithTheList) {
  const auto task = make_task("minst", {});
  ASSERT_FALSE(task);
  EXPECT_EQ(task.error().kind, ErrorKind::invalid_input);
  EXPECT_THAT(task.error().message, HasSubstr("task is 'minst', expected one of fashion-mnist,"));
}

TEST(Tasks, EveryTaskThatNeedsNoDataIsMade) {
  for (const char* name : {"clusters", "clusters-softmax", "quadratic"}) {
    EXPECT_TRUE(make_task(name, {})) << name;
  }
}

TEST(Tasks, TasksOnOwnDataNeedAPath) {
  const auto task = make_task("mlp", {});
  ASSERT_FALSE(task);
  EXPECT_THAT(task.error().message, HasSubstr("task mlp has no data path"));
}

TEST(Tasks, ANodeOutsideTheFlockIsRefused) {
  for (const auto& [name, summary] : describe_tasks()) {
    const auto task = make_task(name, {.shard = {{}, 2, 0}, .node_index = 2});
    ASSERT_FALSE(task) << name;
    EXPECT_EQ(task.error().message, "node index is 2, expected below 2");
  }
}

TEST(Tasks, SharesOfAllNodesAddUpToTheData) {
  std::uint64_t total = 0;
  for (std::uint32_t node = 0; node < 16; ++node) {
    const ShardPlan shard{{Skew::dirichlet, 0.1, 0}, 16, 5};
    total += make_task("clusters", {.shard = shard, .node_index = node}).value()->sample_count();
  }
  EXPECT_EQ(total, ClusterOptions{}.train_count);
}

// LEARNING.md, C10: centralized training of the 32-64-10 perceptron reaches 90 %.
TEST(Tasks, ClustersAreLearntToAboutNinetyPercent) {
  const auto task = make_task("clusters", {}).value();
  const double accuracy = task->evaluate(train(*task, 3000, 0.1F))->accuracy;
  EXPECT_GT(accuracy, 0.86);
  EXPECT_LT(accuracy, 0.94);
}

TEST(Tasks, QuadraticGradientVanishesAtTheNodesOwnOptimum) {
  const auto task = make_quadratic_task({.node_count = 4, .node_index = 2, .seed = 3});
  const Values optimum = train(*task, 500, 0.1F);
  EXPECT_NEAR(task->loss(optimum, {}), 0.0, 1e-10);
  EXPECT_GT(task->evaluate(optimum)->loss, 0.1);
  EXPECT_TRUE(std::isnan(task->evaluate(optimum)->accuracy));
}

TEST(Tasks, QuadraticFlockSharesOneOptimumWhereTheMeanGradientVanishes) {
  constexpr std::uint32_t nodes = 4;
  std::vector<std::unique_ptr<Task>> tasks;
  for (std::uint32_t node = 0; node < nodes; ++node) {
    tasks.push_back(make_quadratic_task({.node_count = nodes, .node_index = node, .seed = 3}));
  }
  Values x(20, 0.0F);
  Values gradient(20);
  for (int step = 0; step < 500; ++step) {
    Values mean(20, 0.0F);
    for (const auto& task : tasks) {
      task->gradient(x, {}, gradient);
      for (std::size_t k = 0; k < 20; ++k) mean[k] += gradient[k] / nodes;
    }
    for (std::size_t k = 0; k < 20; ++k) x[k] -= 0.1F * mean[k];
  }
  for (const auto& task : tasks) EXPECT_NEAR(task->evaluate(x)->loss, 0.0, 1e-10);
}

TEST(FashionMnist, HasThePublishedShapeAndTheMeanAndDeviationThatTheTaskUses) {
  const std::filesystem::path folder = "/usr/share/datasets/fashion-mnist";
  const auto data = load_dataset({folder});
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->train.size(), 60'000U);
  EXPECT_EQ(data->test.size(), 10'000U);
  EXPECT_EQ(data->train.feature_count, 784U);
  EXPECT_EQ(data->train.class_count, 10U);
  double sum = 0;
  double squares = 0;
  for (const float value : data->train.features) {
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  const auto count = static_cast<double>(data->train.features.size());
  EXPECT_NEAR(sum / count, 0.2860, 1e-4);
  EXPECT_NEAR(std::sqrt(squares / count - std::pow(sum / count, 2)), 0.3530, 1e-4);
}

TEST(FashionMnist, IsInvertedBeforeItIsStandardized) {
  const auto plain = make_task("fashion-mnist-softmax", {}).value();
  const auto inverted =
      make_task("fashion-mnist-softmax", {.shift = {ShiftKind::invert, 1.0}}).value();
  // With p' = 1 - p, the standardized x' is (1 - 2 mean) / deviation - x: a model that undoes it
  // has weights -w and a bias that is larger by their sum times that constant.
  const Values parameters = train(*plain, 20, 0.01F);
  Values undone = parameters;
  for (std::size_t c = 0; c < 10; ++c) {
    double sum = 0;
    for (std::size_t i = 0; i < 784; ++i) {
      sum += static_cast<double>(parameters[c * 784 + i]);
      undone[c * 784 + i] = -parameters[c * 784 + i];
    }
    undone[7840 + c] += static_cast<float>(sum * (1 - 2 * 0.2860) / 0.3530);
  }
  EXPECT_NEAR(inverted->evaluate(undone)->loss, plain->evaluate(parameters)->loss, 1e-4);
  EXPECT_GT(inverted->evaluate(parameters)->loss, plain->evaluate(parameters)->loss + 0.5);
}

TEST(FashionMnist, AShareLearnsWithinAFewSteps) {
  const auto task = make_task("fashion-mnist-softmax", {.shard = {{}, 8, 1}, .node_index = 3});
  ASSERT_TRUE(task) << task.error().message;
  EXPECT_EQ((*task)->sample_count(), 7'500U);
  EXPECT_EQ((*task)->parameter_count(), 7'850U);
  EXPECT_GT((*task)->evaluate(train(**task, 300, 0.01F))->accuracy, 0.75);
}

}  // namespace
}  // namespace starling::model
