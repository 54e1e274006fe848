#pragma once
// The context of every payload: nodes whose recipes differ never mix.

#include "crypto/digest.h"
#include "optim/recipe.h"

namespace starling::node {

[[nodiscard]] inline Digest recipe_digest(const optim::Recipe& recipe) {
  const std::string text = recipe.canonical_text();
  return crypto::digest_of(
      ByteSpan(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

}  // namespace starling::node
