#include "node/core/memory_need.h"

#include <cstdio>

namespace starling::node {

namespace {

/// Payloads that a node holds at once in pairs: its own of the last exchange, until the neighbour
/// confirms it, and of this one, and the neighbour's. With `./dev bench size` 150 M parameters on
/// four nodes took 4.28 models each before the merge, and 500 M on two 4.30.
constexpr double pair_payloads = 3;
/// Whose hats, counters and payloads are kept: the neighbours of a node in a swarm of usual form.
constexpr double neighbours_usual = 3;

/// Bytes of an encoded parameter, as a part of the parameter's 4.
double payload_share(const optim::CodecRule& codec) {
  switch (codec.kind) {
    case optim::CodecKind::quantize:
      return codec.bits / 32.0 + 1.0 / codec.block;
    case optim::CodecKind::top_k:
      return codec.density * 1.5;
    case optim::CodecKind::random_k:
      return codec.density;
    case optim::CodecKind::sign:
      return 1 / 32.0;
    case optim::CodecKind::identity:
      break;
  }
  return 1;
}

/// Vectors as long as the model.
double vectors_of(const optim::Recipe& recipe) {
  double vectors = 2;  // parameters, gradient
  if (recipe.inner.kind == optim::InnerKind::momentum) vectors += 1;
  const bool is_tracked = recipe.correction == optim::CorrectionKind::gradient_tracking;
  if (is_tracked) vectors += 2 + neighbours_usual;
  const double lanes = is_tracked ? 2 : 1;
  if (recipe.memory == optim::MemoryKind::hat_copy) vectors += lanes * (2 + neighbours_usual);
  if (recipe.memory == optim::MemoryKind::reference) vectors += lanes;
  if (recipe.memory == optim::MemoryKind::error_feedback) vectors += lanes;
  const double payloads =
      recipe.clock == optim::ClockKind::rounds ? 2 + neighbours_usual : pair_payloads;
  return vectors + payloads * lanes * payload_share(recipe.codec);
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
  const double models = recipe.oracle == optim::Oracle::votes ? 4 : vectors_of(recipe);
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
