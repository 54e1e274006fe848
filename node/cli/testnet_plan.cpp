#include "node/cli/testnet_plan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

#include "node/core/catch_up_plan.h"
#include "node/core/learner.h"
#include "node/core/memory_need.h"
#include "node/runtime/platform.h"
#include "node/start_model.h"

namespace starling::cli {
namespace {

constexpr std::array<std::pair<std::string_view, Topology>, 5> topologies{
    {{"overlay", Topology::overlay},
     {"ring", Topology::ring},
     {"grid", Topology::grid},
     {"exponential", Topology::exponential},
     {"full", Topology::full}}};

struct DefaultSteps {
  std::string_view recipe;
  std::uint32_t steps;
};
// Chosen so that the demonstration stays under two minutes on two cores.
constexpr std::array default_step_table{DefaultSteps{"gossip", 6000}, DefaultSteps{"votes", 375},
                                        DefaultSteps{"votes_shared", 375}};
constexpr std::uint32_t other_default_steps = 1000;

/// The largest divisor of `count` that is not above its square root.
std::uint32_t grid_rows(std::uint32_t count) {
  std::uint32_t rows = 1;
  for (std::uint32_t i = 2; i * i <= count; ++i) {
    if (count % i == 0) rows = i;
  }
  return rows;
}

void add_grid(std::uint32_t node, std::uint32_t count, std::set<std::uint32_t>& out) {
  const std::uint32_t columns = count / grid_rows(count);
  if (node % columns != 0) out.insert(node - 1);
  if (node % columns != columns - 1) out.insert(node + 1);
  if (node >= columns) out.insert(node - columns);
  if (node + columns < count) out.insert(node + columns);
}

Result<void> check_changes(const TestnetPlan& plan) {
  const RunDescription& run = plan.run;
  if (plan.kill.nodes >= run.nodes) {
    return invalid_input("--kill ends " + std::to_string(plan.kill.nodes) +
                         " nodes, expected fewer than the " + std::to_string(run.nodes) +
                         " of --nodes");
  }
  for (const auto& [option, change] :
       {std::pair{"--kill", plan.kill}, std::pair{"--join", plan.join}}) {
    if (change.nodes > 0 && change.at >= run.steps) {
      return invalid_input(std::string(option) + " is at step " + std::to_string(change.at) +
                           ", expected one before the last, " + std::to_string(run.steps));
    }
  }
  if (plan.join.nodes > 0 && plan.topology != Topology::overlay) {
    return invalid_input("--join with --topology " + plan.topology_name +
                         ": a fixed topology has no place for a newcomer, use overlay");
  }
  return {};
}

}  // namespace

Result<SwarmChange> parse_swarm_change(std::string_view option, std::string_view text) {
  SwarmChange change;
  const char* begin = text.data();
  const char* end = begin + text.size();
  const auto nodes = std::from_chars(begin, end, change.nodes);
  const bool has_at = nodes.ec == std::errc{} && nodes.ptr != end && *nodes.ptr == '@';
  const auto at = std::from_chars(has_at ? nodes.ptr + 1 : end, end, change.at);
  if (!has_at || at.ec != std::errc{} || at.ptr != end || change.nodes == 0) {
    return invalid_input(std::string(option) + " is '" + std::string(text) +
                         "', expected K@STEP, such as 2@500");
  }
  return change;
}

Result<Topology> parse_topology(std::string_view name) {
  std::string allowed;
  for (const auto& [known, topology] : topologies) {
    if (known == name) return topology;
    allowed += (allowed.empty() ? "" : ", ") + std::string(known);
  }
  return invalid_input("--topology is '" + std::string(name) + "', expected one of " + allowed);
}

std::vector<std::uint32_t> fixed_neighbours(Topology topology, std::uint32_t node,
                                            std::uint32_t count) {
  std::set<std::uint32_t> found;
  const auto add_both = [&](std::uint32_t distance) {
    found.insert((node + distance) % count);
    found.insert((node + count - distance) % count);
  };
  switch (topology) {
    case Topology::overlay:
      break;
    case Topology::ring:
      add_both(1 % count);
      break;
    case Topology::grid:
      add_grid(node, count, found);
      break;
    case Topology::exponential:
      for (std::uint32_t distance = 1; distance < count; distance *= 2) add_both(distance);
      break;
    case Topology::full:
      for (std::uint32_t other = 0; other < count; ++other) found.insert(other);
      break;
  }
  found.erase(node);
  return {found.begin(), found.end()};
}

std::uint32_t default_steps(const optim::Recipe& recipe) {
  const auto* known = std::ranges::find(default_step_table, recipe.name, &DefaultSteps::recipe);
  return known == default_step_table.end() ? other_default_steps : known->steps;
}

Result<model::TaskOptions> TestnetPlan::task_options() const {
  const auto rule = model::parse_shard_rule(skew);
  if (!rule) return std::unexpected(rule.error());
  model::TaskOptions options = starling::task_options(run);
  options.data.path = data;
  options.shard.rule = *rule;
  options.shard.node_count = shards();
  return options;
}

Result<TaskFacts> check_plan(const TestnetPlan& plan) {
  if (auto changes = check_changes(plan); !changes) return std::unexpected(changes.error());
  if (auto mode = node::parse_catch_up_mode(plan.catch_up); !mode) {
    return std::unexpected(mode.error());
  }
  const auto options = plan.task_options();
  if (!options) return std::unexpected(options.error());
  auto task = model::make_task(plan.run.task, *options);
  if (!task) return std::unexpected(task.error());
  auto model = find_start_model(plan.run, plan.start_file);
  if (!model) return std::unexpected(model.error());
  auto start = starting_parameters(plan.run, std::move(*model), **task);
  if (!start) return std::unexpected(start.error());
  const TaskFacts facts{(*task)->parameter_count(), (*task)->has_gradient()};
  const auto need = node::memory_need(plan.run.recipe, facts.parameters);
  const std::uint64_t nodes = plan.run.nodes + plan.join.nodes;
  if (auto room = node::check_memory(need, nodes, runtime::memory_bytes()); !room) {
    return std::unexpected(room.error());
  }
  const auto fits = node::Learner::create(
      {.recipe = plan.run.recipe, .run = {}, .self = {}, .steps_total = plan.run.steps},
      std::move(*task));
  if (!fits) return std::unexpected(fits.error());
  return facts;
}

}  // namespace starling::cli
