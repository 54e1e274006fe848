#pragma once
// The cases of tests/vectors/ledger/votes.json and each way to replay them in the product.

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "optim/ledger/movement.h"
#include "optim/ledger/moving_grid.h"
#include "optim/ledger/vote_code.h"
#include "optim/ledger/vote_sum.h"
#include "optim/vote_replica.h"
#include "protocol/ledger/ledger_sync.h"
#include "starling/ids.h"

namespace starling::testing {

using Grid = std::vector<std::int32_t>;

struct LedgerPacket {
  NodeId author;
  protocol::VotePacket votes;
  std::uint64_t unit_step = 0;

  [[nodiscard]] optim::VoteSpan span() const {
    return {author, votes.step, votes.first_probe, votes.codes};
  }
};

/// One case. Its recipe has a schedule only if is_scheduled; a packet's unit_step holds in any
/// case.
struct LedgerCase {
  std::string name;
  std::string digest;
  optim::VoteRun run;
  bool is_scheduled = false;
  optim::Movement movement;
  Grid start;
  std::vector<LedgerPacket> packets;  ///< Without the void ones.

  [[nodiscard]] optim::StepRule rule(const LedgerPacket& packet) const {
    return {optim::step_keys(run.id, packet.votes.step), run.rule.hadamard_rows, packet.unit_step,
            run.rule.directions};
  }
  [[nodiscard]] std::vector<optim::Stretch> stretches(const LedgerPacket& packet) const {
    return movement.stretches(movement.part(packet.votes.step));
  }
};

// --- Reading ---

namespace ledger_json {

using nlohmann::json;

[[nodiscard]] inline Bytes bytes_of(const json& hex) {
  return from_hex(hex.get<std::string>()).value();
}

[[nodiscard]] inline optim::VoteRun run_of(const json& from) {
  optim::VoteRun run{.rule = {}, .id = RunId::from_bytes(bytes_of(from.at("run"))).value()};
  optim::LedgerRecipe& rule = run.rule;
  rule.hadamard_rows = from.at("rows");
  rule.window_steps = from.value("window_steps", rule.window_steps);
  rule.parts = from.value("parts", 1U);
  if (from.value("directions", "own") == "shared") rule.directions = optim::Directions::shared;
  if (!from.contains("rule")) return run;
  const json& schedule = from.at("rule");
  const std::string kind = schedule.at("schedule");
  rule.schedule = kind == "linear"   ? optim::ScheduleKind::linear
                  : kind == "cosine" ? optim::ScheduleKind::cosine
                                     : optim::ScheduleKind::constant;
  rule.step_size = schedule.at("step_size");
  rule.scale = schedule.at("scale");
  rule.schedule_floor = schedule.at("floor");
  run.steps_total = schedule.at("steps");
  return run;
}

/// Segments "0.", "1.", ... of the case's lengths and factors.
[[nodiscard]] inline optim::Movement movement_of(const json& from, optim::LedgerRecipe& rule) {
  std::vector<Segment> segments;
  std::size_t offset = 0;
  for (const json& segment : from.value("segments", json::array())) {
    const std::string name = std::to_string(segments.size()) + ".";
    segments.push_back({name, offset, {segment.at(0)}});
    offset += segment.at(0).get<std::size_t>();
    rule.segment_factors += name + "=" + segment.at(1).dump() + ",";
  }
  return optim::Movement::create(rule, from.at("parameters"), segments).value();
}

[[nodiscard]] inline Grid start_of(const json& from) {
  Grid grid(from.at("parameters").get<std::size_t>());
  const std::uint32_t factor = from.at("start");
  for (std::size_t i = 0; i < grid.size(); ++i) {
    grid[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(i) * factor);
  }
  return grid;
}

[[nodiscard]] inline LedgerPacket packet_of(const json& from) {
  LedgerPacket packet;
  packet.author = NodeId::from_bytes(bytes_of(from.at("author"))).value();
  packet.votes.step = from.at("step");
  packet.votes.replica_step = from.value("replica_step", packet.votes.step);
  packet.votes.first_probe = from.at("first_probe");
  packet.votes.codes = bytes_of(from.at("codes"));
  packet.unit_step = from.at("unit_step");
  return packet;
}

[[nodiscard]] inline LedgerCase case_of(const json& from) {
  optim::VoteRun run = run_of(from);
  optim::Movement movement = movement_of(from, run.rule);
  LedgerCase made{from.at("name"),     from.at("digest"), run, from.contains("rule"),
                  std::move(movement), start_of(from),    {}};
  for (const json& packet : from.at("packets")) {
    LedgerPacket read = packet_of(packet);
    const bool counts = !protocol::is_void(read.votes, run.rule.window_steps);
    if (counts) made.packets.push_back(std::move(read));
  }
  return made;
}

}  // namespace ledger_json

[[nodiscard]] inline std::vector<LedgerCase> read_ledger_cases(const std::string& path) {
  std::ifstream file(path);
  const auto document = nlohmann::json::parse(file);
  std::vector<LedgerCase> cases;
  for (const auto& from : document.at("cases")) {
    cases.push_back(ledger_json::case_of(from));
  }
  return cases;
}

// --- Replaying ---

/// Calls visit(packet, vote) for every vote.
template <class Visit>
void for_each_vote(const LedgerCase& of, Visit visit) {
  for (const LedgerPacket& packet : of.packets) {
    const optim::StepRule rule = of.rule(packet);
    const optim::AuthorStream author(rule.keys, packet.author, rule.directions);
    std::uint32_t probe = packet.votes.first_probe;
    for (const optim::VoteCode code : packet.votes.codes) {
      const auto step = optim::vote_step(code, rule.unit_step, author.rounding_bits(probe));
      visit(packet, optim::RowVote{author.row(probe, rule.rows), step});
      ++probe;
    }
  }
}

/// By the definition: vote by vote, parameter by parameter.
[[nodiscard]] inline Grid replay_by_definition(const LedgerCase& of) {
  Grid grid = of.start;
  for_each_vote(of, [&](const LedgerPacket& packet, const optim::RowVote& vote) {
    for (const optim::Stretch& stretch : of.stretches(packet)) {
      optim::add_vote_naive(of.rule(packet).keys.signs, vote, stretch, grid);
    }
  });
  return grid;
}

/// One tile a packet.
[[nodiscard]] inline Grid replay_by_tiles(const LedgerCase& of,
                                          const optim::LedgerKernels& kernels) {
  Grid grid = of.start;
  for (const LedgerPacket& packet : of.packets) {
    const optim::VoteSpan span = packet.span();
    const optim::StepTile tile = optim::sum_votes(std::span(&span, 1), of.rule(packet), kernels);
    const auto stretches = of.stretches(packet);
    optim::MovingGrid{grid, stretches, kernels}.sweep(std::span(&tile, 1));
  }
  return grid;
}

/// The quick naive sum. Only where a step moves all parameters alike.
[[nodiscard]] inline std::optional<Grid> replay_vote_by_vote(const LedgerCase& of,
                                                             const optim::LedgerKernels& kernels) {
  if (of.movement.stretches(0) != std::vector<optim::Stretch>{{.length = of.start.size()}}) {
    return std::nullopt;
  }
  Grid grid = of.start;
  grid.resize(optim::padded_size(grid.size()));
  for_each_vote(of, [&](const LedgerPacket& packet, const optim::RowVote& vote) {
    kernels.add_votes({grid, 0}, of.rule(packet).keys.signs, std::span(&vote, 1));
  });
  grid.resize(of.start.size());
  return grid;
}

/// As a node does it. Only with a schedule, which is where a replica's unit steps come from.
[[nodiscard]] inline std::optional<Grid> replay_by_replica(const LedgerCase& of,
                                                           const optim::LedgerKernels& kernels) {
  if (!of.is_scheduled) return std::nullopt;
  optim::VoteReplica replica(of.run, of.movement, std::vector<float>(of.start.size()));
  replica.compute_with({.kernels = &kernels});
  replica.set_grid(of.start);
  std::vector<optim::VoteSpan> spans;
  for (const LedgerPacket& packet : of.packets) spans.push_back(packet.span());
  replica.apply(spans);
  return Grid(replica.grid().begin(), replica.grid().end());
}

}  // namespace starling::testing
