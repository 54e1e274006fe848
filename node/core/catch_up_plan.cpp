#include "node/core/catch_up_plan.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

namespace starling::node {

namespace {

constexpr std::array<std::pair<std::string_view, CatchUpMode>, 3> modes{
    {{"auto", CatchUpMode::automatic},
     {"replay", CatchUpMode::replay},
     {"snapshot", CatchUpMode::snapshot}}};

constexpr double impossible = std::numeric_limits<double>::infinity();

double replay_time(const CatchUpFacts& facts, std::uint64_t packets) {
  const auto count = static_cast<double>(packets);
  return facts.round_trip_s +
         count * (facts.packet_bytes / facts.download_bytes_per_s + facts.packet_s);
}

double snapshot_time(const CatchUpFacts& facts) {
  if (!facts.snapshot_bytes) return impossible;
  // Of what it contains, at least so much is new: a snapshot of the own half of a partition that
  // has healed contains as many packets as are held, and none that is missing.
  const std::uint64_t is_new =
      facts.snapshot_packets - std::min(facts.snapshot_packets, facts.packets_held);
  const std::uint64_t contained = std::min(is_new, facts.packets_missing);
  return facts.round_trip_s +
         static_cast<double>(*facts.snapshot_bytes) / facts.download_bytes_per_s +
         replay_time(facts, facts.packets_missing - contained);
}

}  // namespace

std::string_view name_of(CatchUpMethod method) {
  return method == CatchUpMethod::replay ? "replay" : "snapshot";
}

Result<CatchUpMode> parse_catch_up_mode(std::string_view text) {
  for (const auto& [name, mode] : modes) {
    if (name == text) return mode;
  }
  return invalid_input("the way to catch up is '" + std::string(text) +
                       "', expected auto, replay or snapshot");
}

std::optional<CatchUpPlan> plan_catch_up(const CatchUpFacts& facts, CatchUpMode mode) {
  CatchUpPlan plan;
  plan.replay_s = facts.has_whole_ledger ? replay_time(facts, facts.packets_missing) : impossible;
  plan.snapshot_s = snapshot_time(facts);
  // Written so that a rate that is not known (NaN) does not make a way impossible.
  const bool may_replay = facts.has_whole_ledger && mode != CatchUpMode::snapshot;
  const bool may_load = facts.snapshot_bytes && mode != CatchUpMode::replay;
  if (!may_replay && !may_load) return std::nullopt;
  const bool is_cheaper = plan.snapshot_s < plan.replay_s;
  plan.method =
      may_load && (is_cheaper || !may_replay) ? CatchUpMethod::snapshot : CatchUpMethod::replay;
  return plan;
}

}  // namespace starling::node
