#include "node/core/wide_sum.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "starling/rng.h"

namespace starling::node {
namespace {

Bytes bytes_of(std::int64_t value, std::size_t width = 8) {
  Bytes bytes(width, value < 0 ? 0xFF : 0x00);
  std::memcpy(bytes.data(), &value, std::min<std::size_t>(width, 8));
  return bytes;
}

TEST(WideSum, OfNumbersFarApartLosesNothing) {
  WideSum sum;
  sum.add(std::int64_t{3}, 250);
  sum.add(std::int64_t{-5}, 0);
  sum.add(std::int64_t{-3}, 250);
  EXPECT_EQ(sum.to_double(), -5.0) << "the large ones have cancelled";
}

TEST(WideSum, CarriesOverAllLimbs) {
  WideSum sum;
  sum.add(std::int64_t{-1}, 0);
  EXPECT_TRUE(sum.is_negative());
  sum.add(std::int64_t{1}, 0);
  EXPECT_EQ(sum.to_double(), 0.0);
  EXPECT_FALSE(sum.is_negative());
  sum.add(std::int64_t{1}, 256);
  sum.add(std::int64_t{-1}, 0);
  EXPECT_EQ(sum.to_double(), 0x1.0p256) << "2^256 - 1 is nearest to it";
  EXPECT_EQ(sum.width(0), 33U);
}

TEST(WideSum, RoundsToTheNearestDoubleAndTiesToEven) {
  const auto rounded = [](std::int64_t high, std::int64_t low, unsigned shift) {
    WideSum sum;
    sum.add(high, shift);
    sum.add(low, 0);
    return sum.to_double();
  };
  // 2^53 + 1 lies between two doubles, and anything below it decides.
  constexpr std::int64_t odd = (std::int64_t{1} << 53U) + 1;
  EXPECT_EQ(rounded(odd, 0, 100), std::ldexp(0x1.0p53, 100));
  EXPECT_EQ(rounded(odd, 1, 100), std::ldexp(0x1.0p53 + 2, 100));
  EXPECT_EQ(rounded(odd, -1, 100), std::ldexp(0x1.0p53, 100));
  EXPECT_EQ(rounded(-odd, -1, 100), -std::ldexp(0x1.0p53 + 2, 100));
}

TEST(WideSum, AgreesWithTheConversionOf64Bits) {
  Rng rng(1);
  for (int i = 0; i < 1000; ++i) {
    const auto value = static_cast<std::int64_t>(rng.next());
    WideSum sum;
    sum.add(value / 2, 0);
    EXPECT_EQ(sum.to_double(), static_cast<double>(value / 2));
    sum = {};
    sum.add(bytes_of(value), 70);
    EXPECT_EQ(sum.to_double(), std::ldexp(static_cast<double>(value), 70));
  }
}

TEST(WideSum, WritesWhatItReads) {
  for (const std::int64_t value :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, std::int64_t{127}, std::int64_t{128},
        std::int64_t{-128}, std::int64_t{-129}, std::numeric_limits<std::int64_t>::min()}) {
    WideSum sum;
    sum.add(bytes_of(value, 40), 0);
    const std::size_t width = sum.width(0);
    Bytes out(width + 1);
    sum.write(0, width + 1, out.data());
    EXPECT_EQ(out, bytes_of(value, width + 1));
    WideSum again;
    again.add(ByteSpan(out).first(width), 0);
    EXPECT_EQ(again.to_double(), static_cast<double>(value)) << width << " bytes are enough";
  }
  WideSum shifted;
  shifted.add(std::int64_t{-200}, 130);
  EXPECT_EQ(shifted.width(130), 2U);
}

TEST(WideSum, BeyondItsWidthEndsAtTheRange) {
  WideSum sum;
  sum.add(std::int64_t{1000}, 0);
  Bytes out(1);
  sum.write(0, 1, out.data());
  EXPECT_EQ(out[0], 0x7F);
  sum.add(std::int64_t{-2000}, 0);
  sum.write(0, 1, out.data());
  EXPECT_EQ(out[0], 0x80);
}

}  // namespace
}  // namespace starling::node
