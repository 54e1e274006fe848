#include "node/core/memory_need.h"

#include <cstdio>
#include <vector>

#include "optim/clock/clock.h"
#include "optim/replica.h"

namespace starling::node {

namespace {

/// Payloads that a node holds at once in pairs: its own of the last exchange, until the neighbour
/// confirms it, and of this one, and the neighbour's. With `./dev bench size` 150 M parameters on
/// four nodes took 4.28 models each before the merge, and 500 M on two 4.30.
constexpr double pair_payloads = 3;
/// Whose payloads, copies and counters are kept: the neighbours of a node in a small swarm.
constexpr double neighbours_usual = 3;
/// Under votes: the integers, their float copy, what a probe moves, and a copy to save.
constexpr double ledger_models = 4;

/// A model of 64 Ki parameters, on which a recipe shows what it keeps.
constexpr std::size_t sample_parameters = std::size_t{1} << 16U;

double in_models(std::size_t bytes) {
  return static_cast<double>(bytes) / static_cast<double>(sample_parameters * sizeof(float));
}

/// What a replica of the recipe keeps, itself and of each neighbour, is seen in what it saves.
double models_of(const optim::Recipe& recipe) {
  optim::Replica one(recipe, std::vector<float>(sample_parameters), 1, 1);
  optim::Replica other(recipe, std::vector<float>(sample_parameters), 2, 1);
  const std::size_t alone = one.save().size();
  const Bytes own = one.encode();
  const Bytes theirs = other.encode();
  const optim::WeightedPayload peer{.edge = {}, .weight = 0.5F, .payload = theirs};
  static_cast<void>(one.mix(own, std::span(&peer, 1)));
  const std::size_t with_neighbour = one.save().size();
  const bool is_round = recipe.gossip().clock.traits().meeting == optim::MeetingKind::round;
  const double payloads = is_round ? 2 + neighbours_usual : pair_payloads;
  constexpr double gradient = 1;  // of no use to the next step, so it is not saved
  return gradient + in_models(alone) + neighbours_usual * in_models(with_neighbour - alone) +
         payloads * in_models(own.size());
}

std::string gigabytes(double bytes) {
  constexpr double giga = 1e9;
  char text[32];
  std::snprintf(text, sizeof text, bytes < giga / 10 ? "%.4f GB" : "%.1f GB", bytes / giga);
  return text;
}

}  // namespace

MemoryNeed memory_need(const optim::Recipe& recipe, std::uint64_t parameters) {
  const double models = recipe.as_ledger() != nullptr ? ledger_models : models_of(recipe);
  return {.recipe = recipe.name, .parameters = parameters, .models = models};
}

Result<void> check_memory(const MemoryNeed& need, std::uint64_t nodes, std::uint64_t memory_bytes) {
  const double bytes = need.bytes() * static_cast<double>(nodes);
  if (memory_bytes == 0 || bytes <= static_cast<double>(memory_bytes)) return {};
  char models[32];
  std::snprintf(models, sizeof models, "%.1f", need.models);
  const std::string each = nodes == 1 ? "" : std::to_string(nodes) + " nodes of ";
  return invalid_input(each + std::to_string(need.parameters) + " parameters under recipe '" +
                       need.recipe + "' need " + gigabytes(bytes) + " of memory (" + models +
                       " times the model), and this machine has " +
                       gigabytes(static_cast<double>(memory_bytes)) + " for them");
}

}  // namespace starling::node
