// NodeCore under random inputs. The fuzz target of tests/fuzz/node_core.cpp does the same with
// inputs that find their way.

#include "tests/support/core_feeder.h"

#include <gtest/gtest.h>

namespace starling::node {
namespace {

TEST(NodeCore, AsksForNothingSenselessWhateverHappensToIt) {
  for (std::size_t recipe = 0; recipe < testing::CoreFeeder::recipes.size(); ++recipe) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      SCOPED_TRACE(seed);
      testing::CoreFeeder core(recipe);
      core.feed(testing::RandomValues(seed).bytes(2000));
    }
  }
}

}  // namespace
}  // namespace starling::node
