#include "optim/codec/codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "optim/byte_io.h"
#include "tests/unit/optim/swarm.h"

namespace starling::optim {
namespace {

using testing_support::normal_vector;

template <class Scalar = float>
Bytes encoded(const CodecRule& rule, const std::vector<Scalar>& values, CodecKey key = {1, 2}) {
  const auto codec = make_codec<Scalar>(rule);
  Bytes bytes(codec->encoded_bytes(values.size()));
  codec->encode(values, key, bytes);
  return bytes;
}

template <class Scalar = float>
std::vector<Scalar> round_trip(const CodecRule& rule, const std::vector<Scalar>& values,
                               CodecKey key = {1, 2}) {
  std::vector<Scalar> out(values.size(), Scalar{77});
  EXPECT_TRUE(make_codec<Scalar>(rule)->decode(encoded(rule, values, key), key, out));
  return out;
}

std::vector<float> normals(std::size_t length, std::uint64_t seed = 1) {
  Rng rng(seed);
  return normal_vector<float>(rng, length);
}

std::size_t nonzeros(const std::vector<float>& values) {
  return values.size() - static_cast<std::size_t>(std::ranges::count(values, 0.0F));
}

const CodecRule every_rule[] = {{.kind = CodecKind::identity},
                                {.kind = CodecKind::quantize, .bits = 1, .block = 8},
                                {.kind = CodecKind::quantize, .bits = 3, .block = 100},
                                {.kind = CodecKind::quantize, .bits = 8, .block = 256},
                                {.kind = CodecKind::top_k, .density = 0.01},
                                {.kind = CodecKind::random_k, .density = 0.01},
                                {.kind = CodecKind::sign}};

class EveryCodec : public testing::TestWithParam<CodecRule> {};

TEST_P(EveryCodec, IsAPureFunctionOfValuesAndKey) {
  const auto values = normals(1001);
  EXPECT_EQ(encoded(GetParam(), values), encoded(GetParam(), values));
}

TEST_P(EveryCodec, HandlesEveryShortLengthAndAFullChunk) {
  for (std::size_t length = 1; length < 40; ++length) round_trip(GetParam(), normals(length));
  round_trip(GetParam(), normals(chunk_values));
}

TEST_P(EveryCodec, KeepsZeroAtZero) {
  const std::vector<float> zeros(300);
  EXPECT_EQ(round_trip(GetParam(), zeros), zeros);
}

TEST_P(EveryCodec, NeverDecodesAChunkThatCarriesNanOrInfinityAtItsLargest) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    const std::vector<float> values(200, bad);
    std::vector<float> out(200);
    EXPECT_FALSE(make_codec<float>(GetParam())->decode(encoded(GetParam(), values), {1, 2}, out));
  }
}

INSTANTIATE_TEST_SUITE_P(Codec, EveryCodec, testing::ValuesIn(every_rule));

// A contraction loses less than it is given; hats and residuals need it. One-bit quantization is
// unbiased instead and may lose more.
TEST(Codec, AllButTheOneBitQuantizerAreContractions) {
  const auto values = normals(5000);
  for (const CodecRule& rule : every_rule) {
    if (rule.bits == 1) continue;
    const auto decoded = round_trip(rule, values);
    double lost = 0;
    double whole = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      lost += std::pow(static_cast<double>(values[i] - decoded[i]), 2);
      whole += std::pow(static_cast<double>(values[i]), 2);
    }
    EXPECT_LT(lost, whole);
  }
}

TEST(Codec, IdentityIsExact) {
  const auto values = normals(1000);
  EXPECT_EQ(round_trip({.kind = CodecKind::identity}, values), values);
}

class Quantizer : public testing::TestWithParam<std::uint32_t> {};

TEST(QuantizerLevels, KeepZeroExactlySoThatWhatDoesNotMoveCostsNoNoise) {
  for (const std::uint32_t bits : {2U, 3U, 4U, 8U}) {
    const CodecRule rule{.kind = CodecKind::quantize, .bits = bits, .block = 64};
    std::vector<float> values(64, 0.0F);
    values[5] = 0.75F;
    const auto decoded = round_trip(rule, values);
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(decoded[i], values[i], 1e-6F);
  }
}

TEST(QuantizerScales, AreRefusedWhereTheGridWouldNotBeFinite) {
  const auto codec = make_codec<float>({.kind = CodecKind::quantize, .bits = 8, .block = 8});
  Bytes bytes = encoded<float>({.kind = CodecKind::quantize, .bits = 8, .block = 8}, {1, 2, 3});
  std::vector<float> out(3);
  ASSERT_TRUE(codec->decode(bytes, {}, out));
  for (const float scale : {2e38F, std::numeric_limits<float>::max()}) {
    store(bytes.data(), scale);
    EXPECT_FALSE(codec->is_valid(bytes, {}, 3));
    EXPECT_FALSE(codec->decode(bytes, {}, out));
  }
}

TEST_P(Quantizer, ErrsByLessThanOneGridStep) {
  const CodecRule rule{.kind = CodecKind::quantize, .bits = GetParam(), .block = 64};
  const auto values = normals(1000);
  const auto decoded = round_trip(rule, values);
  for (std::size_t begin = 0; begin < values.size(); begin += 64) {
    const std::size_t end = std::min<std::size_t>(begin + 64, values.size());
    float scale = 0;
    for (std::size_t i = begin; i < end; ++i) scale = std::max(scale, std::abs(values[i]));
    const auto steps = GetParam() == 1 ? 1U : (1U << GetParam()) - 2U;
    const float step = 2 * scale / static_cast<float>(steps);
    for (std::size_t i = begin; i < end; ++i) {
      EXPECT_LT(std::abs(decoded[i] - values[i]), step * 1.0001F);
    }
  }
}

TEST_P(Quantizer, IsUnbiased) {
  const CodecRule rule{.kind = CodecKind::quantize, .bits = GetParam(), .block = 16};
  const std::vector<float> values{1.0F, -1.0F, 0.3F, -0.7F, 0.01F, 0.5F, 0.0F, 0.9F};
  constexpr int draws = 20000;
  std::vector<double> mean(values.size());
  for (std::uint64_t draw = 0; draw < draws; ++draw) {
    const auto decoded = round_trip(rule, values, {0, split_mix(draw)});
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += decoded[i] / double{draws};
  }
  // One draw deviates by at most half a grid step (standard deviation); five sigma of the mean.
  const double step = 2.0 / static_cast<double>((1U << GetParam()) - 1U);
  const double allowed = 5 * 0.5 * step / std::sqrt(double{draws}) + 1e-6;
  for (std::size_t i = 0; i < mean.size(); ++i) EXPECT_NEAR(mean[i], values[i], allowed);
}

TEST_P(Quantizer, TakesItsBitsPerValueAndFourBytesPerBlock) {
  const CodecRule rule{.kind = CodecKind::quantize, .bits = GetParam(), .block = 256};
  EXPECT_EQ(make_codec<float>(rule)->encoded_bytes(1024), 1024 * GetParam() / 8 + 4 * 4);
}

INSTANTIATE_TEST_SUITE_P(Codec, Quantizer, testing::Range(1U, 9U));

TEST(Codec, TopKKeepsTheLargestMagnitudesExactly) {
  const CodecRule rule{.kind = CodecKind::top_k, .density = 0.01};
  const auto values = normals(2000);
  const auto decoded = round_trip(rule, values);
  auto sorted = values;
  std::ranges::sort(sorted, {}, [](float value) { return -std::abs(value); });
  EXPECT_EQ(nonzeros(decoded), 20U);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool kept = std::abs(values[i]) >= std::abs(sorted[19]);
    EXPECT_EQ(decoded[i], kept ? values[i] : 0.0F);
  }
}

TEST(Codec, TopKOfEqualMagnitudesKeepsTheFirst) {
  const CodecRule rule{.kind = CodecKind::top_k, .density = 0.5};
  EXPECT_EQ(round_trip<float>(rule, {1, -1, 1, -1}), (std::vector<float>{1, -1, 0, 0}));
}

TEST(Codec, TopKRefusesIndicesOutOfOrderOrRange) {
  const CodecRule rule{.kind = CodecKind::top_k, .density = 0.5};
  const auto codec = make_codec<float>(rule);
  Bytes bytes = encoded<float>(rule, {9, 8, 0, 0});
  std::vector<float> out(4);
  ASSERT_TRUE(codec->decode(bytes, {}, out));
  Bytes repeated = bytes;
  repeated[2] = 0;
  EXPECT_FALSE(codec->decode(repeated, {}, out));
  Bytes outside = bytes;
  outside[2] = 4;
  EXPECT_FALSE(codec->decode(outside, {}, out));
}

TEST(Codec, RandomKDrawsTheSameEntriesFromTheSharedKeyOnly) {
  const CodecRule rule{.kind = CodecKind::random_k, .density = 0.01};
  const std::vector<float> ones(10000, 1.0F);
  const auto here = round_trip(rule, ones, {5, 1});
  EXPECT_EQ(nonzeros(here), 100U);
  EXPECT_EQ(round_trip(rule, ones, {5, 2}), here);
  EXPECT_NE(round_trip(rule, ones, {6, 1}), here);
}

TEST(Codec, RandomKReachesEveryEntryEquallyOften) {
  const CodecRule rule{.kind = CodecKind::random_k, .density = 0.3};
  const std::vector<float> ones(10, 1.0F);
  std::vector<double> share(10);
  constexpr int draws = 20000;
  for (std::uint64_t draw = 0; draw < draws; ++draw) {
    const auto kept = round_trip(rule, ones, {draw, 0});
    for (std::size_t i = 0; i < share.size(); ++i) share[i] += kept[i] / double{draws};
  }
  // Strata of ten entries in three are 3, 3 and 4 long.
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(share[i], 1.0 / 3, 0.02);
  for (std::size_t i = 6; i < 10; ++i) EXPECT_NEAR(share[i], 1.0 / 4, 0.02);
}

TEST(Codec, SignsCarryTheMeanMagnitude) {
  EXPECT_EQ(round_trip<float>({.kind = CodecKind::sign}, {3, -1, -2, 2}),
            (std::vector<float>{2, -2, -2, 2}));
}

TEST(Codec, DoublesLoseNothingThatFloatsWould) {
  const std::vector<double> values{1.0 + 1e-15, -1e-300};
  EXPECT_EQ(round_trip<double>({.kind = CodecKind::identity}, values), values);
  EXPECT_EQ(round_trip<double>({.kind = CodecKind::top_k, .density = 1.0}, values), values);
}

}  // namespace
}  // namespace starling::optim
