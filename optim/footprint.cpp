#include "optim/footprint.h"

#include "optim/recipe_axes.h"

namespace starling::optim {
namespace {

/// Bytes of an encoded block of usual form, as a part of the 4 bytes a value that it has decoded.
double payload_share(const Chosen<CodecEntry>& chosen) {
  constexpr Block block{0, 256, 256};
  const auto codec = chosen.make<float>(Codec<float>::Site{});
  return static_cast<double>(codec->encoded_bytes(block)) /
         static_cast<double>(block.count() * sizeof(float));
}

}  // namespace

Footprint footprint_of(const GossipRecipe& recipe) {
  const MemoryTraits memory = recipe.memory.traits();
  const CorrectionTraits correction = recipe.correction.traits();
  const double lanes = correction.has_lane ? 2 : 1;
  constexpr double parameters_and_direction = 2;
  return {.vectors = parameters_and_direction + recipe.oracle.traits().vectors +
                     recipe.inner.traits().vectors + correction.vectors +
                     recipe.outer.traits().vectors + recipe.flow.traits().vectors +
                     lanes * memory.vectors,
          .vectors_per_neighbour =
              correction.vectors_per_neighbour + lanes * memory.vectors_per_neighbour,
          .payload = lanes * payload_share(recipe.codec)};
}

}  // namespace starling::optim
