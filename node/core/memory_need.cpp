#include "node/core/memory_need.h"

#include <cstdio>

#include "optim/footprint.h"

namespace starling::node {

namespace {

/// Payloads that a node holds at once: its own, of the last exchange and of this one, and two of
/// neighbours, one of them still coming. Measured with `./dev bench size`.
constexpr double payloads_held = 4;
/// Whose hats and counters are kept: the neighbours of a node in a swarm of usual form.
constexpr double neighbours_usual = 3;

/// Vectors as long as the model.
double vectors_of(const optim::GossipRecipe& recipe) {
  const optim::Footprint footprint = optim::footprint_of(recipe);
  return footprint.vectors + neighbours_usual * footprint.vectors_per_neighbour +
         payloads_held * footprint.payload;
}

std::string gigabytes(double bytes) {
  constexpr double giga = 1e9;
  char text[32];
  std::snprintf(text, sizeof text, bytes < giga / 10 ? "%.4f GB" : "%.1f GB", bytes / giga);
  return text;
}

}  // namespace

MemoryNeed memory_need(const optim::Recipe& recipe, std::uint64_t parameters) {
  // Under votes: the integers, their float copy, what a probe moves, and a copy to save.
  const double models = recipe.as_ledger() != nullptr ? 4 : vectors_of(recipe.gossip());
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
