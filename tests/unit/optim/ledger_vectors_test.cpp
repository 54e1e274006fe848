#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "crypto/digest.h"
#include "optim/ledger/movement.h"
#include "optim/ledger/moving_grid.h"
#include "optim/ledger/vote_code.h"
#include "optim/ledger/vote_sum.h"
#include "starling/ids.h"

namespace starling::optim {
namespace {

using nlohmann::json;

json vectors() {
  std::ifstream file(STARLING_SOURCE_DIR "/tests/vectors/ledger/votes.json");
  return json::parse(file).at("cases");
}

Bytes bytes_of(const json& hex) {
  return from_hex(hex.get<std::string>()).value();
}

std::vector<std::int32_t> starting_grid(const json& vector) {
  std::vector<std::int32_t> grid(vector.at("parameters").get<std::size_t>());
  const auto factor = vector.at("start").get<std::uint32_t>();
  for (std::size_t i = 0; i < grid.size(); ++i) {
    grid[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(i) * factor);
  }
  return grid;
}

/// Segments "0.", "1.", ... of the vector's lengths and factors.
Movement movement_of(const json& vector) {
  VoteRule rule;
  rule.parts = vector.value("parts", 1U);
  std::vector<Segment> segments;
  std::size_t offset = 0;
  for (const json& segment : vector.value("segments", json::array())) {
    const std::string name = std::to_string(segments.size()) + ".";
    segments.push_back({name, offset, {segment.at(0)}});
    offset += segment.at(0).get<std::size_t>();
    rule.segment_factors += name + "=" + segment.at(1).dump() + ",";
  }
  return Movement::create(rule, vector.at("parameters").get<std::size_t>(), segments).value();
}

StepRule rule_of(const json& vector, const json& packet) {
  const RunId run = RunId::from_bytes(bytes_of(vector.at("run"))).value();
  return {step_keys(run, packet.at("step").get<Step>()), vector.at("rows").get<std::uint32_t>(),
          packet.at("unit_step").get<std::uint64_t>(),
          vector.value("directions", "own") == "shared" ? Directions::shared : Directions::own};
}

std::string digest_of_grid(std::span<const std::int32_t> grid) {
  Bytes bytes;
  for (const std::int32_t value : grid) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
      bytes.push_back(static_cast<std::uint8_t>(static_cast<std::uint32_t>(value) >> shift));
    }
  }
  return crypto::digest_of(bytes).hex();
}

TEST(LedgerVectors, EveryKernelGivesTheDigestsOfTheIndependentImplementation) {
  for (const json& vector : vectors()) {
    const Movement movement = movement_of(vector);
    for (const auto& kernels : usable_kernels()) {
      auto grid = starting_grid(vector);
      for (const json& packet : vector.at("packets")) {
        const Bytes codes = bytes_of(packet.at("codes"));
        const VoteSpan span{NodeId::from_bytes(bytes_of(packet.at("author"))).value(),
                            packet.at("step").get<Step>(),
                            packet.at("first_probe").get<std::uint32_t>(), codes};
        const StepTile tile = sum_votes(std::span(&span, 1), rule_of(vector, packet));
        const auto stretches = movement.stretches(movement.part(span.step));
        MovingGrid{grid, stretches, kernels}.sweep(std::span(&tile, 1));
      }
      EXPECT_EQ(digest_of_grid(grid), vector.at("digest"))
          << vector.at("name") << ' ' << kernels.name;
    }
  }
}

TEST(LedgerVectors, TheDefinitionGivesTheDigestsOfTheIndependentImplementation) {
  for (const json& vector : vectors()) {
    const Movement movement = movement_of(vector);
    auto grid = starting_grid(vector);
    for (const json& packet : vector.at("packets")) {
      const StepRule rule = rule_of(vector, packet);
      const AuthorStream author(
          rule.keys, NodeId::from_bytes(bytes_of(packet.at("author"))).value(), rule.directions);
      auto probe = packet.at("first_probe").get<std::uint32_t>();
      for (const VoteCode code : bytes_of(packet.at("codes"))) {
        const auto step = vote_step(code, rule.unit_step, author.rounding_bits(probe));
        const RowVote vote{author.row(probe, rule.rows), step};
        for (const Stretch& stretch : movement.stretches(movement.part(packet.at("step")))) {
          add_vote_naive(rule.keys.signs, vote, stretch, grid);
        }
        ++probe;
      }
    }
    EXPECT_EQ(digest_of_grid(grid), vector.at("digest")) << vector.at("name");
  }
}

}  // namespace
}  // namespace starling::optim
