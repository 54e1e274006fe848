#include "sim/simulation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "sim/checkers.h"

namespace starling::sim {

namespace {

/// NaN of nothing.
class Mean {
 public:
  void add(double value) {
    sum_ += value;
    count_ += 1;
  }
  [[nodiscard]] double value() const {
    return count_ == 0 ? std::numeric_limits<double>::quiet_NaN() : sum_ / count_;
  }

 private:
  double sum_ = 0;
  int count_ = 0;
};

void summarize(const Record& record, Report& report) {
  Mean before;
  Mean merged;
  Mean square_distance;
  std::set<Digest> models;
  for (const Observation& node : record.nodes) {
    report.bytes_sent += node.bytes_sent;
    report.merge_bytes_mean += static_cast<double>(node.merge_bytes_sent) / report.nodes;
    report.merge_bytes_most = std::max(report.merge_bytes_most, node.merge_bytes_sent);
    if (!node.is_running) continue;
    report.exchanges += node.status.exchanges;
    report.votes += node.status.votes;
    if (node.status.caught_up) report.caught_up_by.push_back(node.status.caught_up->method);
    if (node.accuracy_before_merge) before.add(*node.accuracy_before_merge);
    if (!node.merged) continue;
    report.nodes_merged += 1;
    models.insert(node.merged->manifest.model);
    report.merge_members = node.merged->manifest.members.size();
    report.merge_contributors = node.merged->manifest.contributors.size();
    merged.add(node.merged->quality.accuracy);
    square_distance.add(node.merged->distance * node.merged->distance);
  }
  report.bytes_per_vote = static_cast<double>(report.bytes_sent) /
                          (static_cast<double>(report.votes) * (report.nodes - 1.0));
  report.accuracy_nodes_mean = before.value();
  report.accuracy_merged = merged.value();
  report.consensus_distance = std::sqrt(square_distance.value());
  report.digests_equal = models.size() == 1;
}

}  // namespace

Result<Report> simulate(const Scenario& scenario, std::uint64_t seed,
                        const ProgressSink& progress) {
  const Result<Record> record = run_world(scenario, seed, progress);
  if (!record) return std::unexpected(record.error());
  Report report{.seed = seed,
                .nodes = scenario.nodes,
                .events = record->events,
                .virtual_s = to_seconds(record->virtual_time),
                .trace_hash = record->trace_hash.hex(),
                .violations = check_all(scenario, *record),
                .traffic = record->traffic,
                .curve = record->curve};
  summarize(*record, report);
  return report;
}

}  // namespace starling::sim
