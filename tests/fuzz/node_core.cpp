// A whole NodeCore fed a byte-coded list of inputs (tests/support/core_feeder.h). The first byte
// chooses the recipe.

#include "tests/support/core_feeder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  starling::testing::CoreFeeder core(data[0] % starling::testing::CoreFeeder::recipes.size());
  core.feed({data + 1, size - 1});
  return 0;
}
