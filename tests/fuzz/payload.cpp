// Any bytes from a neighbour are mixed or refused; refused bytes change nothing. The first byte
// picks the method, so that every decoder is reached.

#include <array>
#include <cstddef>
#include <cstdint>

#include "optim/replica.h"
#include "starling/check.h"

namespace {

using starling::optim::CodecKind;
using starling::optim::CorrectionKind;
using starling::optim::MemoryKind;
using starling::optim::Recipe;
using starling::optim::Replica;
using starling::optim::WeightedPayload;

constexpr std::size_t parameters = 100;

Recipe recipe_of(std::uint8_t choice) {
  Recipe recipe;
  recipe.name = "fuzz";
  recipe.codec.kind = static_cast<CodecKind>(choice % 5);
  recipe.codec.density = 0.05;
  recipe.codec.bits = 1U + choice % 8U;
  recipe.memory = (choice & 64U) != 0 ? MemoryKind::hat_copy : MemoryKind::none;
  recipe.correction =
      (choice & 128U) != 0 ? CorrectionKind::gradient_tracking : CorrectionKind::none;
  return recipe;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Replica replica(recipe_of(data[0]), std::vector<float>(parameters), 1, 1);
  const starling::Bytes own = replica.encode();
  const starling::Bytes before = replica.save();
  const WeightedPayload peer{starling::NodeId{}, 0.5F, starling::ByteSpan(data + 1, size - 1)};
  const bool refused = !replica.mix(own, {&peer, 1}).empty();
  STARLING_CHECK(!refused || replica.save() == before);
  return 0;
}
