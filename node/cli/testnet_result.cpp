#include "node/cli/testnet_result.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>

#include "model/tasks.h"
#include "node/cli/progress.h"
#include "node/cli/report.h"
#include "node/cli/testnet_curve.h"
#include "node/runtime/file.h"

namespace starling::cli {
namespace {

/// After the merge every survivor reports one model. Under votes the replicas agreed already
/// before it: all contributions are the same bytes.
bool all_digests_equal(const TestnetPlan& plan, std::span<const NodeWatch> nodes,
                       const Manifest& manifest) {
  const bool is_votes = plan.run.recipe.as_ledger() != nullptr;
  const auto differs = [&](const MergeMember& member) {
    return member.contribution != manifest.members.front().contribution;
  };
  if (is_votes && std::ranges::any_of(manifest.members, differs)) return false;
  return std::ranges::all_of(nodes, [&](const NodeWatch& node) {
    return node.phase == "killed" || (node.merged && node.merged->manifest.model == manifest.model);
  });
}

/// Sums over the nodes that merged.
void add_quality(RunRecord& record, std::span<const NodeWatch> nodes) {
  double squares = 0;
  double merged = 0;
  double norm = 0;
  for (const NodeWatch& node : nodes) {
    if (!node.merged) continue;
    squares += node.merged->distance * node.merged->distance;
    norm = node.merged->norm;
    record.accuracy_nodes_mean += node.record.accuracy_before_merge;
    record.accuracy_merged = node.merged->quality.accuracy;
    ++merged;
  }
  record.accuracy_nodes_mean /= merged;
  record.consensus_distance = norm > 0 ? std::sqrt(squares / merged) / norm : 0;
}

std::size_t count_fate(const RunRecord& record, std::string_view fate) {
  return static_cast<std::size_t>(std::ranges::count(record.nodes, fate, &NodeRecord::fate));
}

std::string percent(double share) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.2f %%", share * 100);
  return std::isnan(share) ? "unknown" : text.data();
}

Result<void> write_text(const std::filesystem::path& path, const std::string& text) {
  const ByteSpan bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  return runtime::write_atomically(path, bytes, {.survives_power_cut = false});
}

/// Every node's lines, each with its node's number put in front.
std::string joined_metrics(const Swarm& swarm) {
  std::string all;
  for (std::size_t node = 0; node < swarm.nodes().size(); ++node) {
    const auto bytes = runtime::read_file(swarm.directory_of(node) / "metrics.jsonl");
    if (!bytes) continue;  // killed before its first event
    std::istringstream lines(std::string(bytes->begin(), bytes->end()));
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with('{'))
        all += "{\"node\":" + std::to_string(node) + "," + line.substr(1) + "\n";
    }
  }
  return all;
}

/// Which samples each node holds: the shards are a function of the plan.
Result<void> add_shares(const TestnetPlan& plan, RunRecord& record) {
  const auto options = plan.task_options();
  if (!options) return std::unexpected(options.error());
  auto counts = model::count_labels(plan.run.task, *options);
  if (!counts) return std::unexpected(counts.error());
  for (std::size_t node = 0; node < std::min(counts->size(), record.nodes.size()); ++node) {
    record.nodes[node].label_counts = std::move((*counts)[node]);
    record.nodes[node].samples_held =
        std::accumulate(record.nodes[node].label_counts.begin(),
                        record.nodes[node].label_counts.end(), std::uint64_t{0});
  }
  return {};
}

}  // namespace

Result<RunRecord> make_record(const TestnetPlan& plan, const Swarm& swarm,
                              std::uint64_t parameters) {
  const auto nodes = swarm.nodes();
  const auto holder =
      std::ranges::find_if(nodes, [](const NodeWatch& node) { return node.merged.has_value(); });
  if (holder == nodes.end()) return failure("no node holds a merged model");
  RunRecord record;
  record.name = plan.run.name;
  record.recipe = plan.run.recipe.name;
  record.recipe_text = plan.run.recipe.canonical_text();
  record.task = plan.run.task;
  record.topology = plan.topology_name;
  record.skew = plan.skew;
  record.seed = plan.run.seed;
  record.steps = plan.run.steps;
  record.parameters = parameters;
  record.joined = static_cast<std::uint32_t>(nodes.size()) - plan.run.nodes;
  record.batch = plan.run.recipe.batch;
  record.manifest = holder->merged->manifest;
  record.bytes_dense_equivalent = std::uint64_t{plan.run.nodes} * plan.run.steps * 4 * parameters;
  for (const NodeWatch& node : nodes) {
    record.nodes.push_back(node.record);
    record.bytes_sent += node.record.bytes_sent;
    record.votes += node.record.votes;
    record.epsilon = std::max(record.epsilon, node.record.epsilon);
  }
  if (auto counted = add_shares(plan, record); !counted) return std::unexpected(counted.error());
  add_quality(record, nodes);
  record.digests_equal = all_digests_equal(plan, nodes, record.manifest);
  return record;
}

Result<void> add_curve(const TestnetPlan& plan, const Swarm& swarm, RunRecord& record) {
  if (plan.models_kept == 0) return {};
  const auto options = plan.task_options();
  if (!options) return std::unexpected(options.error());
  auto task = model::make_task(plan.run.task, *options);
  if (!task) return std::unexpected(task.error());
  std::vector<CurveSource> nodes;
  for (std::size_t node = 0; node < swarm.nodes().size(); ++node) {
    nodes.push_back({swarm.directory_of(node), swarm.nodes()[node].record.samples});
  }
  auto curve = mean_curve(nodes, plan.run.evaluate_every, **task);
  if (!curve) return std::unexpected(curve.error());
  record.curve = std::move(*curve);
  return {};
}

namespace {

nlohmann::ordered_json points(std::span<const MeanPoint> curve) {
  auto list = nlohmann::ordered_json::array();
  for (const MeanPoint& point : curve) {
    list.push_back({{"step", point.step},
                    {"time_s", point.time_s},
                    {"bytes_sent", point.bytes_sent},
                    {"nodes", point.nodes},
                    {"accuracy_nodes_mean", point.accuracy_nodes_mean},
                    {"accuracy_mean_model", point.accuracy_mean_model},
                    {"consensus_distance", point.consensus_distance}});
  }
  return list;
}

nlohmann::ordered_json catch_ups(const RunRecord& record) {
  auto list = nlohmann::ordered_json::array();
  for (const NodeRecord& node : record.nodes) {
    if (!node.caught_up) continue;
    const CaughtUp& how = *node.caught_up;
    list.push_back({{"node", node.id.hex()},
                    {"method", how.method},
                    {"step", how.step},
                    {"seconds", how.seconds},
                    {"replay_predicted_s", how.replay_s},
                    {"snapshot_predicted_s", how.snapshot_s}});
  }
  return list;
}

}  // namespace

std::string result_json(const RunRecord& record) {
  const std::size_t killed = count_fate(record, "killed");
  const nlohmann::ordered_json result = {
      {"nodes", record.nodes.size() - record.joined},
      {"recipe", record.recipe},
      {"task", record.task},
      {"steps", record.steps},
      {"accuracy_central", record.accuracy_central},
      {"accuracy_nodes_mean", record.accuracy_nodes_mean},
      {"accuracy_merged", record.accuracy_merged},
      {"bytes_sent", record.bytes_sent},
      {"bytes_dense_equivalent", record.bytes_dense_equivalent},
      {"votes", record.votes},
      {"epsilon", record.epsilon},
      {"digests_equal", record.digests_equal},
      {"consensus_distance", record.consensus_distance},
      {"merge_members", record.manifest.members.size()},
      {"merge_contributors", record.manifest.contributors.size()},
      {"wall_s", record.wall_s},
      {"topology", record.topology},
      {"skew", record.skew},
      {"seed", record.seed},
      {"parameters", record.parameters},
      {"killed", killed},
      {"joined", record.joined},
      {"catch_up", catch_ups(record)},
      {"curve", points(record.curve)},
      {"central_step_size", record.baseline_step_size},
      {"model", record.manifest.model.hex()}};
  return result.dump();
}

std::string result_text(const RunRecord& record) {
  std::ostringstream text;
  const double ratio = record.bytes_sent == 0 ? 0
                                              : static_cast<double>(record.bytes_dense_equivalent) /
                                                    static_cast<double>(record.bytes_sent);
  text << "accuracy    nodes before the merge " << percent(record.accuracy_nodes_mean)
       << ", merged " << percent(record.accuracy_merged) << ", central "
       << percent(record.accuracy_central) << "\n"
       << "bytes       " << bytes_text(record.bytes_sent)
       << " sent; dense exchange every step: " << bytes_text(record.bytes_dense_equivalent) << ", "
       << std::llround(ratio) << " times as many\n";
  if (!record.curve.empty()) {
    text << "mean model  " << curve_text(record.curve) << "\n";
  }
  if (record.votes > 0) text << "votes       " << record.votes << "\n";
  for (const NodeRecord& node : record.nodes) {
    if (!node.caught_up) continue;
    text << "joiner      " << node.id.short_text() << " " << catch_up_text(*node.caught_up) << "\n";
  }
  if (record.epsilon > 0) {
    text << "privacy     epsilon " << record.epsilon << " is the most that a node has spent\n";
  }
  text << "consensus   distance " << record.consensus_distance << " of the merged model's norm; "
       << (record.digests_equal ? "all nodes hold the same model\n" : "NODES DIFFER\n")
       << "manifest    model " << record.manifest.model.short_text() << ", "
       << record.manifest.contributors.size() << " contributors of "
       << record.manifest.members.size() << " members"
       << (record.manifest.partial ? ", partial" : "") << ":";
  for (const MergeMember& member : record.manifest.members) {
    text << "\n            " << member.id.short_text() << "  step " << member.step << "  "
         << "weight " << member.weight;
  }
  text << "\n";
  return text.str();
}

Result<void> write_run_folder(const TestnetPlan& plan, const Swarm& swarm,
                              const RunRecord& record) {
  const auto nodes = swarm.nodes();
  const auto holder =
      std::ranges::find_if(nodes, [](const NodeWatch& node) { return node.merged.has_value(); });
  const auto source = swarm.directory_of(static_cast<std::size_t>(holder - nodes.begin()));
  for (const char* name : {"model.safetensors", "manifest.json"}) {
    std::error_code problem;
    std::filesystem::copy_file(source / name, plan.folder / name, problem);
    if (problem)
      return runtime::system_error("write", (plan.folder / name).native(), problem.value());
  }
  if (auto written = write_text(plan.folder / "metrics.jsonl", joined_metrics(swarm)); !written) {
    return written;
  }
  if (auto written = write_text(plan.folder / "report.html", render_report(record)); !written) {
    return written;
  }
  return write_text(plan.folder / "result.json", result_json(record) + "\n");
}

}  // namespace starling::cli
