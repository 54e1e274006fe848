#include "sim/checkers.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "crypto/digest.h"
#include "protocol/limits.h"
#include "protocol/merge/slice_plan.h"

namespace starling::sim {

namespace {

/// Rounding of one float addition is 6e-8 of the value; a run has thousands on each parameter.
constexpr double rounding_tolerance = 1e-4;

/// Collects the violations of one check.
class Findings {
 public:
  explicit Findings(const Record& record) : at_(Instant{} + record.virtual_time) {}

  void add(std::optional<std::uint32_t> node, std::string text) {
    found_.push_back({.at = at_, .node = node, .text = std::move(text)});
  }
  [[nodiscard]] std::vector<Violation> take() { return std::move(found_); }

 private:
  Instant at_;
  std::vector<Violation> found_;
};

bool is_reconciled(const Observation& node) {
  return node.half_exchanged == 0;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

double largest(std::span<const double> values) {
  double most = 0;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

// --- The merge, computed again ---

/// Of a vector, little endian; not the code that the merge itself uses.
double value_at(ByteSpan vector, std::size_t at, bool is_on_grid) {
  std::uint32_t bits = 0;
  for (std::size_t byte = 4; byte > 0; --byte) bits = bits << 8U | vector[at * 4 + byte - 1];
  if (!is_on_grid) return std::bit_cast<float>(bits);
  return static_cast<double>(static_cast<std::int32_t>(bits)) / 0x1.0p24;
}

/// Values whose scale a merge has in common (docs/adr/0028).
constexpr std::size_t block_values = 256;

/// One slice of a manifest with the vectors that its contributors gave.
struct SliceParts {
  std::vector<std::pair<std::uint64_t, ByteSpan>> parts;
  std::size_t first = 0;  ///< Values.
  std::size_t end = 0;
  bool is_on_grid = false;

  /// Of all values that any contributor has in the block from `at` on.
  [[nodiscard]] double largest(std::size_t at) const {
    double most = 0;
    for (const auto& [weight, vector] : parts) {
      for (std::size_t i = at; i < std::min(at + block_values, end); ++i) {
        most = std::max(most, std::abs(value_at(vector, i, is_on_grid)));
      }
    }
    return most;
  }
};

/// True if the adopted values are the parts' weighted mean, up to what a merge may round: on the
/// grid half a unit; else 2^-30 of the block's largest magnitude, and to a float32.
bool is_mean(const SliceParts& slice, ByteSpan adopted) {
  double tolerance = 0.51 / 0x1.0p24;
  for (std::size_t at = slice.first; at < slice.end; ++at) {
    if (!slice.is_on_grid && at % block_values == 0) tolerance = slice.largest(at) * 0x1.0p-30;
    double sum = 0;
    double weights = 0;
    for (const auto& [weight, vector] : slice.parts) {
      sum += static_cast<double>(weight) * value_at(vector, at, slice.is_on_grid);
      weights += static_cast<double>(weight);
    }
    const double value = value_at(adopted, at, slice.is_on_grid);
    const double rounding = slice.is_on_grid ? 0 : std::abs(value) * 0x1.0p-24 + 0x1.0p-149;
    if (!(std::abs(sum / weights - value) <= tolerance + rounding)) return false;
  }
  return true;
}

/// The vector that has this digest, of which a manifest names the first half.
const Bytes* given_as(const Observation& node, const Digest& contribution) {
  constexpr std::size_t named = 16;
  const auto given = node.contributions.lower_bound(contribution);  // the rest of it is zero
  if (given == node.contributions.end()) return nullptr;
  const bool is_it = std::equal(contribution.bytes.begin(), contribution.bytes.begin() + named,
                                given->first.bytes.begin());
  return is_it ? &given->second : nullptr;
}

using NodesById = std::map<NodeId, const Observation*>;

NodesById by_id(const Record& record) {
  NodesById nodes;
  for (const Observation& node : record.nodes) nodes[node.id] = &node;
  return nodes;
}

/// The vector that the member committed to, whichever of its processes that was.
const Bytes* contribution_of(const NodesById& nodes, const MergeMember& member) {
  const auto node = nodes.find(member.id);
  return node == nodes.end() ? nullptr : given_as(*node->second, member.contribution);
}

const MergeMember* member_of(const Manifest& manifest, const NodeId& id) {
  const auto member = std::ranges::lower_bound(manifest.members, id, {}, &MergeMember::id);
  return member == manifest.members.end() || member->id != id ? nullptr : &*member;
}

void check_mean(const NodesById& nodes, std::uint32_t node, const Observation& seen,
                Findings& findings) {
  const ByteSpan adopted = *seen.adopted;
  const Manifest& manifest = seen.merged->manifest;
  const std::size_t values = adopted.size() / 4;
  const std::size_t blocks = (values + block_values - 1) / block_values;
  const std::size_t slices = manifest.slices.size();
  for (const MergeSlice& slice : manifest.slices) {
    SliceParts parts{.parts = {},
                     .first = blocks * slice.index / slices * block_values,
                     .end = std::min(values, blocks * (slice.index + 1) / slices * block_values),
                     .is_on_grid = seen.is_on_grid};
    for (const NodeId& id : slice.contributors) {
      const MergeMember* member = member_of(manifest, id);
      const Bytes* vector = member != nullptr ? contribution_of(nodes, *member) : nullptr;
      if (vector == nullptr) {
        findings.add(node, "a contributor of slice " + std::to_string(slice.index) +
                               " has never given the vector it committed to");
        return;
      }
      parts.parts.emplace_back(member->weight, *vector);
    }
    if (!is_mean(parts, adopted)) {
      findings.add(node, "slice " + std::to_string(slice.index) +
                             " of the merged model is not the weighted mean of its " +
                             std::to_string(parts.parts.size()) + " contributions");
    }
  }
}

/// Who is in which slice of which model: the mean of equal ones is computed once.
std::string name_of_mean(const Manifest& manifest) {
  crypto::Hasher hasher;
  hasher.update(manifest.model.bytes);
  for (const MergeSlice& slice : manifest.slices) {
    hasher.update(slice.digest.bytes);
    for (const NodeId& id : slice.contributors) hasher.update(id.bytes);
  }
  return hasher.finish().hex();
}

/// Of the vector that the node adopted.
Digest model_of(const Observation& node) {
  return node.is_on_grid ? crypto::digest_of(*node.adopted)
                         : protocol::digest_by_slices(*node.adopted);
}

void append_all(std::vector<Violation>& all, std::vector<Violation>&& some) {
  std::ranges::move(some, std::back_inserter(all));
}

using EdgeSums = Flows Observation::*;

/// Compares the two ends of one edge.
void check_edge(const Record& record, EdgeSums sums, std::pair<std::uint32_t, std::uint32_t> ends,
                Findings& findings) {
  const auto [a, b] = ends;
  const auto sum_of = [sums](const Observation& node, const NodeId& peer) {
    const auto found = (node.*sums).find(peer);
    return found == (node.*sums).end() ? std::vector<double>() : found->second;
  };
  std::vector<double> there = sum_of(record.nodes[a], record.nodes[b].id);
  std::vector<double> back = sum_of(record.nodes[b], record.nodes[a].id);
  const std::size_t size = std::max(there.size(), back.size());
  there.resize(size);
  back.resize(size);
  const double scale = 1 + std::max(largest(there), largest(back));
  for (std::size_t i = 0; i < size; ++i) there[i] += back[i];
  const double drift = largest(there);
  if (drift <= rounding_tolerance * scale) return;
  const std::string what = sums == &Observation::flows ? "flows" : "corrections";
  findings.add(a, what + " over the edge to node " + std::to_string(b) +
                      " do not cancel: " + number(drift) + " is left of " + number(scale - 1));
}

/// What `node` holds of the edge is of a process of `other` that has ended.
bool has_lost(const Observation& node, const Observation& other) {
  return node.lost_edges.contains(other.id) || other.started_at > node.looked_at;
}

/// The merge that ended first is the run's. Whoever starts after it may find nobody to ask.
const Observation* first_merged(const Record& record) {
  const Observation* first = nullptr;
  for (const Observation& node : record.nodes) {
    if (!node.is_running || !node.merged) continue;
    if (first == nullptr || node.merged_at < first->merged_at) first = &node;
  }
  return first;
}

/// Every edge between living processes of which neither end is known to be lost or unreconciled.
void check_edges(const Record& record, EdgeSums sums, Findings& findings) {
  const auto& nodes = record.nodes;
  const auto takes_part = [&](std::uint32_t i) {
    return nodes[i].is_running && is_reconciled(nodes[i]);
  };
  for (std::uint32_t a = 0; a < nodes.size(); ++a) {
    for (std::uint32_t b = 0; b < a; ++b) {
      const bool is_lost = has_lost(nodes[a], nodes[b]) || has_lost(nodes[b], nodes[a]);
      if (takes_part(a) && takes_part(b) && !is_lost) check_edge(record, sums, {a, b}, findings);
    }
  }
}

/// A correction is what came over the node's edges, and nothing else.
void check_parts(const Record& record, std::uint32_t i, Findings& findings) {
  const Observation& node = record.nodes[i];
  std::vector<double> rest(node.correction.begin(), node.correction.end());
  const double scale = 1 + largest(rest);
  for (const auto& [edge, counter] : node.counters) {
    for (std::size_t at = 0; at < counter.size(); ++at) rest[at] -= counter[at];
  }
  if (largest(rest) <= rounding_tolerance * scale) return;
  findings.add(i, "the correction is not the sum over its edges: " + number(largest(rest)) +
                      " is left of " + number(scale - 1));
}

}  // namespace

std::vector<Violation> check_flows(const Record& record) {
  Findings findings(record);
  check_edges(record, &Observation::flows, findings);
  return findings.take();
}

std::vector<Violation> check_corrections(const Record& record) {
  Findings findings(record);
  check_edges(record, &Observation::counters, findings);
  for (std::uint32_t i = 0; i < record.nodes.size(); ++i) {
    if (record.nodes[i].is_running) check_parts(record, i, findings);
  }
  return findings.take();
}

std::vector<Violation> check_votes(const Record& record) {
  Findings findings(record);
  const Observation* first = nullptr;
  for (std::uint32_t i = 0; i < record.nodes.size(); ++i) {
    const Observation& node = record.nodes[i];
    if (!node.is_running || node.vote_packets == 0) continue;
    if (first == nullptr) first = &node;
    if (node.votes != first->votes) {
      findings.add(i, "holds " + std::to_string(node.vote_packets) +
                          " vote packets, another node " + std::to_string(first->vote_packets));
    } else if (node.model != first->model) {
      findings.add(i, "holds the same votes as another node and a different model");
    }
  }
  return findings.take();
}

std::vector<Violation> check_merge(const Record& record) {
  Findings findings(record);
  const Observation* first = first_merged(record);
  const NodesById nodes = by_id(record);
  std::set<std::string> checked;
  for (std::uint32_t i = 0; i < record.nodes.size(); ++i) {
    const Observation& node = record.nodes[i];
    if (!node.is_running || !node.merged) continue;
    const Manifest& manifest = node.merged->manifest;
    const Manifest& common = first->merged->manifest;
    const bool is_late = node.started_at > first->merged_at;
    if (!is_late && manifest.model != common.model) {
      findings.add(i, "ended with merge " + manifest.merge.short_text() + " and model " +
                          manifest.model.short_text() + ", another node with merge " +
                          common.merge.short_text() + " and model " + common.model.short_text());
    }
    // A process that came back may commit too late; any other is waited for. A large flock's roster
    // does not name everyone, which loses nothing where a member gave the same.
    const bool has_given = node.restarts == 0 && !node.given.empty();
    const bool is_included = std::ranges::any_of(manifest.members, [&](const MergeMember& member) {
      return given_as(node, member.contribution) != nullptr;
    });
    const bool is_full = manifest.members.size() >= protocol::limits::merge_members_max;
    if (has_given && !member_of(manifest, node.id) && !(is_full && is_included)) {
      findings.add(i, "gave its vector to the merge and is not among its members");
    }
    for (const MergeMember& member : manifest.members) {
      if (member.weight == 0 || contribution_of(nodes, member) != nullptr) continue;
      findings.add(i, "a member of the merge has never given the vector it committed to");
    }
    if (node.adopted && model_of(node) != manifest.model) {
      findings.add(i, "adopted another model than its manifest names");
    }
    if (node.adopted && checked.insert(name_of_mean(manifest)).second) {
      check_mean(nodes, i, node, findings);
    }
  }
  return findings.take();
}

std::vector<Violation> check_reconciliation(const Record& record) {
  Findings findings(record);
  for (std::uint32_t i = 0; i < record.nodes.size(); ++i) {
    const Observation& node = record.nodes[i];
    if (!node.is_running) continue;
    // What is half done over a link that is down waits for the link's return.
    const auto unlinked = std::ranges::count_if(record.nodes, [&](const Observation& other) {
      return other.id != node.id && !node.neighbours.contains(other.id);
    });
    if (node.status.unreconciled <= static_cast<std::uint64_t>(unlinked)) continue;
    findings.add(
        i, std::to_string(node.status.unreconciled) + " exchanges are applied at one end only");
  }
  return findings.take();
}

std::vector<Violation> check_liveness(const Record& record) {
  Findings findings(record);
  const Observation* first = first_merged(record);
  if (record.time_stands_still) {
    findings.add({}, "virtual time stands still: a node asks to be woken in the past");
  }
  for (std::uint32_t i = 0; i < record.nodes.size(); ++i) {
    const Observation& node = record.nodes[i];
    const bool is_late = first != nullptr && node.started_at > first->merged_at;
    if (!node.has_started) {
      findings.add(i, "never started");
    } else if (node.is_running && !is_late && (!node.has_stopped || !node.merged)) {
      findings.add(i, "is not done: phase " + node.status.phase + ", step " +
                          std::to_string(node.status.step) + " of " +
                          std::to_string(node.status.steps_total) + ", " +
                          std::to_string(node.status.neighbours.size()) + " neighbours");
    } else if (!node.stop_reason.empty()) {
      findings.add(i, "ended with an error: " + node.stop_reason);
    }
  }
  return findings.take();
}

std::vector<Violation> check_stalls(const Record& record, Duration longest) {
  Findings findings(record);
  for (std::uint32_t i = 0; i < record.nodes.size(); ++i) {
    const Duration stall = record.nodes[i].longest_stall;
    if (stall <= longest) continue;
    findings.add(i, "did no step for " + number(to_seconds(stall)) + " s, allowed " +
                        number(to_seconds(longest)) + " s");
  }
  return findings.take();
}

std::vector<Violation> check_copies(const Record& record) {
  Findings findings(record);
  for (const Observation& copy : record.copies) {
    const auto original = std::ranges::find(record.nodes, copy.id, &Observation::id);
    const auto node = static_cast<std::uint32_t>(original - record.nodes.begin());
    if (!copy.has_started || (copy.has_stopped && !copy.stop_reason.empty())) continue;
    findings.add(node,
                 "a copy of its disk ran beside it and did not stop: phase " + copy.status.phase);
  }
  return findings.take();
}

std::vector<Violation> check_all(const Scenario& scenario, const Record& record) {
  std::vector<Violation> all = check_liveness(record);
  append_all(all, check_copies(record));
  append_all(all, check_reconciliation(record));
  append_all(all, check_flows(record));
  append_all(all, check_corrections(record));
  append_all(all, check_votes(record));
  append_all(all, check_merge(record));
  if (scenario.stall_max > Duration{0}) append_all(all, check_stalls(record, scenario.stall_max));
  for (std::uint32_t i = 0; i < record.nodes.size(); ++i) {
    const Observation& node = record.nodes[i];
    if (!node.is_running || !node.merged) continue;
    if (node.merged->quality.accuracy < scenario.accuracy_min) {
      all.push_back({Instant{} + record.virtual_time, i,
                     "merged accuracy " + number(node.merged->quality.accuracy) + " is below " +
                         number(scenario.accuracy_min)});
    }
  }
  return all;
}

}  // namespace starling::sim
