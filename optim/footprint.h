#pragma once
// What a first-order method keeps in memory, from the traits of its parts.

#include "optim/recipe.h"

namespace starling::optim {

/// In lengths of the model's vector of parameters.
struct Footprint {
  double vectors = 0;                ///< Parameters, direction, and what parts keep.
  double vectors_per_neighbour = 0;  ///< What parts keep of each neighbour.
  double payload = 0;                ///< One encoded payload, of all lanes.
};

[[nodiscard]] Footprint footprint_of(const GossipRecipe& recipe);

}  // namespace starling::optim
