#include "starling/task.h"

#include <gtest/gtest.h>

namespace starling {
namespace {

TEST(Segment, LengthIsTheProductOfItsShape) {
  EXPECT_EQ((Segment{"weight", 7, {3, 4, 5}}).length(), 60U);
  EXPECT_EQ((Segment{"number", 7, {}}).length(), 1U);
  EXPECT_EQ((Segment{"nothing", 7, {3, 0}}).length(), 0U);
}

}  // namespace
}  // namespace starling
