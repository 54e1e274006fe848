#include "node/core/fixed_point.h"

#include <gtest/gtest.h>

namespace starling::node {
namespace {

TEST(FixedPoint, KeepsEveryBitOfTheLedgersIntegers) {
  const std::vector<std::int32_t> grid{1, -1, (1 << 24) + 1, 0x7fffffff, -0x7fffffff - 1};
  EXPECT_EQ(fixed_point_values(to_fixed_point(grid)), grid);
}

TEST(FixedPoint, StandsForMultiplesOfItsUnit) {
  const std::vector<std::int32_t> grid{1, -(1 << 24), 3 << 23};
  EXPECT_EQ(from_fixed_point(to_fixed_point(grid)), (std::vector<float>{0x1.0p-24F, -1.0F, 1.5F}));
}

}  // namespace
}  // namespace starling::node
