#include "starling/ids.h"

#include <gtest/gtest.h>

namespace starling {
namespace {

TEST(ByteId, AWordIsEightBytesTheLeastSignificantFirst) {
  Digest digest;
  for (std::size_t i = 0; i < Digest::size; ++i) digest.bytes[i] = static_cast<std::uint8_t>(i + 1);
  EXPECT_EQ(digest.word(0), 0x0807060504030201U);
  EXPECT_EQ(digest.word(3), 0x201F1E1D1C1B1A19U);
}

}  // namespace
}  // namespace starling
