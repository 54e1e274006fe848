#include "node/cli/testnet_baseline.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "node/runtime/child_process.h"

namespace starling::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t processes_max = 2;  // a laptop's cores

// Times the recipe's: a batch of all nodes' samples bears a longer step, and a central run no
// drift.
constexpr std::array step_size_factors = {1.0, 2.0, 4.0, 8.0};
// Softmax regression on standardized pixels; votes' own step size has another meaning.
constexpr std::array votes_step_sizes = {0.03, 0.1, 0.3, 1.0};

Result<runtime::ChildProcess> spawn_attempt(const TestnetPlan& plan,
                                            const std::filesystem::path& node, double step_size) {
  runtime::SpawnOptions options{
      .program = "/proc/self/exe",
      .arguments = {"baseline", node.native(), "--step-size", std::to_string(step_size)}};
  if (!plan.data.empty()) {
    options.arguments.insert(options.arguments.end(), {"--data", plan.data});
  }
  if (!plan.start_file.empty()) {
    options.arguments.insert(options.arguments.end(), {"--from", plan.start_file.native()});
  }
  return runtime::ChildProcess::spawn(options);
}

void note_line(CentralResult& attempt, const std::string& line) {
  const auto point = nlohmann::json::parse(line, nullptr, false);
  if (!point.is_object() || !point["accuracy"].is_number()) return;
  attempt.accuracy = point["accuracy"].get<double>();
  attempt.curve.push_back({point.value("samples", std::uint64_t{0}), attempt.accuracy});
}

Result<void> note(const runtime::ChildEvent& event, std::span<CentralResult> attempts) {
  if (const auto* line = std::get_if<runtime::ChildLine>(&event)) {
    note_line(attempts[line->child], line->text);
  } else if (const auto* exit = std::get_if<runtime::ChildExited>(&event)) {
    const runtime::ExitStatus& status = exit->status;
    if (status.code != 0 || status.signal != 0) return failure("the central baseline failed");
  } else {
    return failure("interrupted during the central baseline");
  }
  return {};
}

}  // namespace

optim::Recipe central_recipe(const optim::Recipe& recipe, std::uint32_t nodes, double step_size) {
  optim::Recipe central;
  central.name = "central";
  central.batch = recipe.batch * nodes;
  optim::Settings& inner = central.gossip().inner.settings;
  if (const optim::LedgerRecipe* ledger = recipe.as_ledger()) {
    inner.set("schedule", static_cast<double>(ledger->schedule));
    inner.set("schedule_floor", ledger->schedule_floor);
  } else {
    central.gossip().inner = recipe.gossip().inner;
  }
  inner.set("step_size", step_size);
  return central;
}

std::vector<double> central_step_sizes(const optim::Recipe& recipe) {
  if (recipe.as_ledger() != nullptr) {
    return {votes_step_sizes.begin(), votes_step_sizes.end()};
  }
  std::vector<double> sizes;
  sizes.reserve(step_size_factors.size());
  const double step_size = recipe.gossip().inner.settings.real("step_size");
  for (const double factor : step_size_factors) sizes.push_back(factor * step_size);
  return sizes;
}

Result<CentralResult> run_baseline(const TestnetPlan& plan, const std::filesystem::path& node) {
  std::vector<CentralResult> attempts;
  for (const double size : central_step_sizes(plan.run.recipe)) {
    attempts.push_back({.step_size = size, .curve = {}, .accuracy = 0});
  }
  runtime::ChildGroup children;
  while (children.size() < attempts.size() || children.running() > 0) {
    if (children.size() < attempts.size() && children.running() < processes_max) {
      auto child = spawn_attempt(plan, node, attempts[children.size()].step_size);
      if (!child) return std::unexpected(child.error());
      children.add(std::move(*child));
      continue;
    }
    for (const runtime::ChildEvent& event : children.wait(1s)) {
      if (auto noted = note(event, attempts); !noted) return std::unexpected(noted.error());
    }
  }
  return *std::ranges::max_element(attempts, {}, &CentralResult::accuracy);
}

}  // namespace starling::cli
