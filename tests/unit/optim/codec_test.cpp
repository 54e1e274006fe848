#include "optim/codec/codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "optim/byte_io.h"
#include "tests/unit/optim/compositions.h"
#include "tests/unit/optim/swarm.h"

namespace starling::optim {
namespace {

using testing_support::normal_vector;

using Choice = Chosen<CodecEntry>;

Block row_of(std::size_t length) {
  return {0, 1, length};
}

template <class Scalar = float>
std::unique_ptr<Codec<Scalar>> make(const Choice& choice) {
  return choice.make<Scalar>(typename Codec<Scalar>::Site{});
}

template <class Scalar = float>
Bytes encoded(const Choice& choice, const std::vector<Scalar>& values, CodecKey key = {1, 2}) {
  const auto codec = make<Scalar>(choice);
  Bytes bytes(codec->encoded_bytes(row_of(values.size())));
  codec->encode(row_of(values.size()), values, key, bytes);
  return bytes;
}

template <class Scalar = float>
std::vector<Scalar> decoded(const Choice& choice, const Bytes& bytes, std::size_t length,
                            CodecKey key = {1, 2}) {
  std::vector<Scalar> out(length, Scalar{77});
  const auto codec = make<Scalar>(choice);
  EXPECT_TRUE(codec->accepts(row_of(length), bytes, key));
  codec->decode(row_of(length), bytes, key, out);
  return out;
}

template <class Scalar = float>
std::vector<Scalar> round_trip(const Choice& choice, const std::vector<Scalar>& values,
                               CodecKey key = {1, 2}) {
  return decoded<Scalar>(choice, encoded(choice, values, key), values.size(), key);
}

std::vector<float> normals(std::size_t length, std::uint64_t seed = 1) {
  Rng rng(seed);
  return normal_vector<float>(rng, length);
}

std::size_t nonzeros(const std::vector<float>& values) {
  return values.size() - static_cast<std::size_t>(std::ranges::count(values, 0.0F));
}

double squared_norm(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  return sum;
}

/// What every codec of the catalog promises, at its presets and at the ends of its fields.
class EveryCodec : public testing::TestWithParam<Choice> {
 protected:
  [[nodiscard]] static CodecTraits traits() { return GetParam().traits(); }
};

TEST_P(EveryCodec, IsAPureFunctionOfValuesAndKey) {
  const auto values = normals(1001);
  EXPECT_EQ(encoded(GetParam(), values), encoded(GetParam(), values));
}

TEST_P(EveryCodec, HandlesEveryShortLengthAndAFullBlock) {
  for (std::size_t length = 1; length < 40; ++length) round_trip(GetParam(), normals(length));
  round_trip(GetParam(), normals(block_values_max));
}

TEST_P(EveryCodec, HandlesMatricesAndWritesItsBytesOnly) {
  constexpr std::uint8_t guard = 0xa5;
  const auto codec = make(GetParam());
  for (const Block block : {Block{7, 3, 5}, Block{0, 20, 1}, Block{0, 1, 20}, Block{0, 64, 33}}) {
    const auto values = normals(block.count());
    const std::size_t size = codec->encoded_bytes(block);
    Bytes bytes(size + 16, guard);
    codec->encode(block, values, {1, 2}, std::span(bytes).first(size));
    EXPECT_EQ(std::ranges::count(std::span(bytes).subspan(size), guard), 16);
    std::vector<float> out(values.size());
    ASSERT_TRUE(codec->accepts(block, ByteSpan(bytes).first(size), {1, 2}));
    codec->decode(block, ByteSpan(bytes).first(size), {1, 2}, out);
  }
}

TEST_P(EveryCodec, KeepsZeroAtZero) {
  const std::vector<float> zeros(300);
  EXPECT_EQ(round_trip(GetParam(), zeros), zeros);
}

TEST_P(EveryCodec, NeverAcceptsABlockThatCarriesNanOrInfinityAtItsLargest) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    const Bytes bytes = encoded(GetParam(), std::vector<float>(200, bad));
    EXPECT_FALSE(make(GetParam())->accepts(row_of(200), bytes, {1, 2}));
  }
}

TEST_P(EveryCodec, DecodesDamagedBytesToFiniteValuesOrRefusesThem) {
  const auto codec = make(GetParam());
  const Bytes good = encoded(GetParam(), normals(500));
  Rng rng(2);
  for (int trial = 0; trial < 2000; ++trial) {
    Bytes bytes = good;
    for (int flips = 0; flips < 3; ++flips) {
      bytes[rng.below(bytes.size())] ^= static_cast<std::uint8_t>(1U << rng.below(8));
    }
    if (!codec->accepts(row_of(500), bytes, {1, 2})) continue;
    std::vector<float> out(500, std::nanf(""));
    codec->decode(row_of(500), bytes, {1, 2}, out);
    ASSERT_TRUE(std::ranges::all_of(out, [](float value) { return std::isfinite(value); }));
  }
}

TEST_P(EveryCodec, LosesNothingIfItSaysSo) {
  const auto values = normals(1000);
  EXPECT_TRUE(!traits().is_exact || round_trip(GetParam(), values) == values);
}

TEST_P(EveryCodec, IsUnbiasedIfItSaysSo) {
  if (!traits().is_unbiased) return;
  const std::vector<float> values{1.0F, -1.0F, 0.3F, -0.7F, 0.01F, 0.5F, 0.0F, 0.9F};
  constexpr int draws = 20000;
  std::vector<double> mean(values.size());
  std::vector<double> square(values.size());
  for (std::uint64_t draw = 0; draw < draws; ++draw) {
    const auto out = round_trip(GetParam(), values, {split_mix(draw), split_mix(~draw)});
    for (std::size_t i = 0; i < mean.size(); ++i) {
      const auto loss = static_cast<double>(out[i]) - static_cast<double>(values[i]);
      mean[i] += loss / draws;
      square[i] += loss * loss / draws;
    }
  }
  for (std::size_t i = 0; i < mean.size(); ++i) {
    EXPECT_LT(std::abs(mean[i]), 5 * std::sqrt(square[i] / draws) + 1e-6) << values[i];
  }
}

TEST_P(EveryCodec, LosesLessThanItIsGivenIfItSaysSo) {
  if (!traits().is_contraction) return;
  const auto values = normals(5000);
  double lost = 0;
  constexpr int draws = 10;
  for (std::uint64_t draw = 0; draw < draws; ++draw) {
    auto out = round_trip(GetParam(), values, {split_mix(draw), split_mix(~draw)});
    for (std::size_t i = 0; i < out.size(); ++i) out[i] -= values[i];
    lost += squared_norm(out) / draws;
  }
  EXPECT_LT(lost, squared_norm(values) * (1 - 1e-9) + (traits().is_exact ? 1 : 0));
}

TEST_P(EveryCodec, LosesLessThanTheLargestMagnitudeOfEveryValueIfItSaysSo) {
  if (!traits().is_bounded) return;
  auto values = normals(3000);
  values[77] = 1000.0F;
  const auto out = round_trip(GetParam(), values);
  for (std::size_t i = 0; i < out.size(); ++i) ASSERT_LT(std::abs(out[i] - values[i]), 1000.0F);
}

TEST_P(EveryCodec, NeedsTheSharedKeyOnlyIfItSaysSo) {
  const auto values = normals(10000);
  const Bytes bytes = encoded(GetParam(), values, {5, 1});
  const auto here = decoded(GetParam(), bytes, values.size(), {5, 1});
  const auto there = decoded(GetParam(), bytes, values.size(), {6, 1});
  const bool differs = traits().draws_from_shared_key && traits().kept_share < 1;
  EXPECT_EQ(here != there, differs);
}

TEST_P(EveryCodec, OfWhiteNoiseItLosesAtMostTheShareThatItDoesNotKeep) {
  const double kept = traits().kept_share;
  if (kept == 1) return;
  const auto values = normals(block_values_max);
  double lost = 0;
  constexpr int draws = 10;
  for (std::uint64_t draw = 0; draw < draws; ++draw) {
    auto out = round_trip(GetParam(), values, {split_mix(draw), split_mix(~draw)});
    for (std::size_t i = 0; i < out.size(); ++i) out[i] -= values[i];
    lost += squared_norm(out) / draws;
  }
  EXPECT_LT(lost, squared_norm(values) * (1 - 0.9 * kept));
}

INSTANTIATE_TEST_SUITE_P(Codec, EveryCodec,
                         testing::ValuesIn(testing_support::every_setting(codecs())),
                         [](const auto& run) { return testing_support::test_name(run.param); });

TEST(Codec, IdentityIsExact) {
  const auto values = normals(1000);
  EXPECT_EQ(round_trip(codecs().choose("identity"), values), values);
}

class Quantizer : public testing::TestWithParam<std::uint32_t> {};

TEST(QuantizerLevels, KeepZeroExactlySoThatWhatDoesNotMoveCostsNoNoise) {
  for (const std::uint32_t bits : {2U, 3U, 4U, 8U}) {
    const Choice rule = codecs().choose("quantize", {{"bits", bits}, {"block", 64}});
    std::vector<float> values(64, 0.0F);
    values[5] = 0.75F;
    const auto decoded = round_trip(rule, values);
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(decoded[i], values[i], 1e-6F);
  }
}

TEST(QuantizerScales, AreRefusedWhereTheGridWouldNotBeFinite) {
  const Choice rule = codecs().choose("quantize", {{"block", 8}});
  const auto codec = make(rule);
  Bytes bytes = encoded<float>(rule, {1, 2, 3});
  ASSERT_TRUE(codec->accepts(row_of(3), bytes, {}));
  for (const float scale : {2e38F, std::numeric_limits<float>::max()}) {
    store(bytes.data(), scale);
    EXPECT_FALSE(codec->accepts(row_of(3), bytes, {}));
  }
}

TEST_P(Quantizer, ErrsByLessThanOneGridStep) {
  const Choice rule = codecs().choose("quantize", {{"bits", GetParam()}, {"block", 64}});
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

TEST_P(Quantizer, TakesItsBitsPerValueAndFourBytesPerBlock) {
  const Choice rule = codecs().choose("quantize", {{"bits", GetParam()}, {"block", 256}});
  EXPECT_EQ(make(rule)->encoded_bytes(row_of(1024)), 1024 * GetParam() / 8 + 4 * 4);
}

INSTANTIATE_TEST_SUITE_P(Codec, Quantizer, testing::Range(1U, 9U));

TEST(Codec, TopKKeepsTheLargestMagnitudesExactly) {
  const Choice rule = codecs().choose("top_k", {{"density", 0.01}});
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
  const Choice rule = codecs().choose("top_k", {{"density", 0.5}});
  EXPECT_EQ(round_trip<float>(rule, {1, -1, 1, -1}), (std::vector<float>{1, -1, 0, 0}));
}

TEST(Codec, TopKRefusesIndicesOutOfOrderOrRange) {
  const Choice rule = codecs().choose("top_k", {{"density", 0.5}});
  const auto codec = make(rule);
  const Bytes bytes = encoded<float>(rule, {9, 8, 0, 0});
  ASSERT_TRUE(codec->accepts(row_of(4), bytes, {}));
  Bytes repeated = bytes;
  repeated[2] = 0;
  EXPECT_FALSE(codec->accepts(row_of(4), repeated, {}));
  Bytes outside = bytes;
  outside[2] = 4;
  EXPECT_FALSE(codec->accepts(row_of(4), outside, {}));
}

TEST(Codec, RandomKDrawsTheSameEntriesFromTheSharedKeyOnly) {
  const Choice rule = codecs().choose("random_k", {{"density", 0.01}});
  const std::vector<float> ones(10000, 1.0F);
  const auto here = round_trip(rule, ones, {5, 1});
  EXPECT_EQ(nonzeros(here), 100U);
  EXPECT_EQ(round_trip(rule, ones, {5, 2}), here);
  EXPECT_NE(round_trip(rule, ones, {6, 1}), here);
}

TEST(Codec, RandomKReachesEveryEntryEquallyOften) {
  const Choice rule = codecs().choose("random_k", {{"density", 0.3}});
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
  EXPECT_EQ(round_trip<float>(codecs().choose("sign"), {3, -1, -2, 2}),
            (std::vector<float>{2, -2, -2, 2}));
}

TEST(Codec, DoublesLoseNothingThatFloatsWould) {
  const std::vector<double> values{1.0 + 1e-15, -1e-300};
  EXPECT_EQ(round_trip<double>(codecs().choose("identity"), values), values);
  EXPECT_EQ(round_trip<double>(codecs().choose("top_k", {{"density", 1.0}}), values), values);
}

}  // namespace
}  // namespace starling::optim
