// Any bytes from a neighbour are mixed or refused; refused bytes change nothing. The first byte
// picks the method among all that the catalogs allow, so that every decoder is reached.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "optim/replica.h"
#include "starling/check.h"
#include "tests/unit/optim/compositions.h"

namespace {

using starling::optim::Recipe;
using starling::optim::Replica;
using starling::optim::WeightedPayload;

constexpr std::size_t parameters = 100;

const Recipe& recipe_of(std::uint8_t choice) {
  static const std::vector<Recipe> recipes = starling::optim::testing_support::every_composition();
  return recipes[choice % recipes.size()];
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
