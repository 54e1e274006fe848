// One training step (gradient and update) of the perceptron 784-256-128-10 in samples per second on
// one core. Reference: bench/macro/mlp_torch.py. Also one zeroth-order probe of softmax regression.

#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "model/classifier_task.h"
#include "starling/rng.h"

namespace starling::model {
namespace {

SplitDataset random_images() {
  constexpr std::size_t count = 4096;
  Rng rng(1);
  Dataset data{{}, {}, 784, 10};
  for (std::size_t i = 0; i < count * data.feature_count; ++i) {
    data.features.push_back(static_cast<float>(rng.uniform()));
  }
  for (std::size_t i = 0; i < count; ++i) {
    data.labels.push_back(static_cast<Label>(rng.below(data.class_count)));
  }
  return {std::move(data), {}};
}

struct Problem {
  std::unique_ptr<Task> task;
  std::vector<float> parameters;

  explicit Problem(std::unique_ptr<Task> made)
      : task(std::move(made)), parameters(task->parameter_count()) {
    task->initialize(parameters, 1);
  }
};

void mlp_step(benchmark::State& state) {
  Problem problem(make_mlp_task(random_images()));
  std::vector<float> gradient(problem.parameters.size());
  BatchKey batch{1, 0, static_cast<std::uint32_t>(state.range(0))};
  for (auto _ : state) {
    ++batch.step;
    benchmark::DoNotOptimize(problem.task->gradient(problem.parameters, batch, gradient));
    for (std::size_t i = 0; i < gradient.size(); ++i) problem.parameters[i] -= 0.01F * gradient[i];
  }
  state.SetItemsProcessed(state.iterations() * batch.size);
}
BENCHMARK(mlp_step)->Name("mlp_step/batch")->Arg(32)->Arg(128)->Unit(benchmark::kMicrosecond);

void softmax_probe(benchmark::State& state) {
  Problem problem(make_softmax_task(random_images()));
  const BatchKey batch{1, 0, 32};
  for (auto _ : state) benchmark::DoNotOptimize(problem.task->loss(problem.parameters, batch));
  state.SetItemsProcessed(state.iterations() * batch.size);
}
BENCHMARK(softmax_probe)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace starling::model

BENCHMARK_MAIN();
