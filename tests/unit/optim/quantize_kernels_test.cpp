#include "optim/codec/kernels/quantize_kernels.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "optim/codec/kernels/quantize_scalar.h"
#include "starling/ids.h"
#include "starling/rng.h"

namespace starling::optim {
namespace {

constexpr std::size_t lengths[] = {1, 7, 8, 15, 33, 100, 257, 4095, 4096, 4097, 9001, 65536};
constexpr std::size_t blocks[] = {1, 8, 100, 256, 5000, 65536};

/// Values of one kind each, and then one of all kinds beside each other.
std::vector<std::vector<float>> kinds_of_values(std::size_t length) {
  Rng rng(length);
  const auto draw = [&](float unit) {
    std::vector<float> values(length);
    for (float& value : values) {
      value = (static_cast<float>(rng.below(2'000'001)) / 1e6F - 1.0F) * unit;
    }
    return values;
  };
  std::vector<std::vector<float>> kinds;
  for (const float unit : {1.0F, 1e-3F, 1e30F, 3.4e38F, 1e-38F, 1e-42F, 1e-45F}) {
    kinds.push_back(draw(unit));
  }
  kinds.emplace_back(length, 0.0F);
  kinds.emplace_back(length, -0.0F);
  kinds.emplace_back(length, -2.0F);
  kinds.push_back(draw(1.0F));
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const float odd : {std::nanf(""), -std::nanf("7"), infinity, -infinity, -0.0F, 1e-45F}) {
    kinds.back()[rng.below(length)] = odd;
  }
  return kinds;
}

Bytes room(const QuantizeForm& form, std::size_t count) {
  return Bytes(quantize_scale_bytes(form, count) + quantize_level_bytes(form, count), 0xaa);
}

template <class Byte, class Container>
QuantizeBytes<Byte> parts(Container& bytes, const QuantizeForm& form, std::size_t count) {
  return {bytes.data(), bytes.data() + quantize_scale_bytes(form, count)};
}

/// The bits of each: NaN equals itself, and -0 is not 0.
std::vector<std::uint32_t> bits_of(std::span<const float> values) {
  std::vector<std::uint32_t> bits;
  for (const float value : values) bits.push_back(std::bit_cast<std::uint32_t>(value));
  return bits;
}

class QuantizeKernelsOf : public testing::TestWithParam<std::uint32_t> {
 protected:
  /// Calls check(form, values) for all lengths, blocks and kinds of values.
  template <class Check>
  static void for_all(const Check& check) {
    for (const std::size_t length : lengths) {
      for (const std::size_t block : blocks) {
        if (block == 1 && length > 5000) continue;
        const QuantizeForm form{.block = block, .bits = GetParam()};
        for (const auto& values : kinds_of_values(length)) check(form, values);
      }
    }
  }
};

TEST_P(QuantizeKernelsOf, EncodeToTheBytesOfTheScalarTwin) {
  for_all([](const QuantizeForm& form, const std::vector<float>& values) {
    Bytes expected = room(form, values.size());
    scalar::encode(std::span(values), form, 77, parts<std::uint8_t>(expected, form, values.size()));
    for (const QuantizeKernels& kernels : usable_quantize_kernels()) {
      Bytes bytes = room(form, values.size());
      quantize_encode(kernels, values, form, 77, parts<std::uint8_t>(bytes, form, values.size()));
      ASSERT_EQ(bytes, expected) << kernels.name << ' ' << values.size() << ' ' << form.block;
    }
  });
}

TEST_P(QuantizeKernelsOf, DecodeToTheValuesOfTheScalarTwin) {
  for_all([](const QuantizeForm& form, const std::vector<float>& values) {
    Bytes bytes = room(form, values.size());
    scalar::encode(std::span(values), form, 77, parts<std::uint8_t>(bytes, form, values.size()));
    const auto in = parts<const std::uint8_t>(std::as_const(bytes), form, values.size());
    std::vector<float> expected(values.size());
    scalar::decode(in, form, std::span(expected));
    for (const QuantizeKernels& kernels : usable_quantize_kernels()) {
      std::vector<float> decoded(values.size());
      quantize_decode(kernels, in, form, decoded);
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (std::isnan(expected[i]) && std::isnan(decoded[i])) continue;  // of any sign
        ASSERT_EQ(std::bit_cast<std::uint32_t>(decoded[i]),
                  std::bit_cast<std::uint32_t>(expected[i]))
            << kernels.name << ' ' << values.size() << ' ' << form.block;
      }
    }
  });
}

TEST_P(QuantizeKernelsOf, DecodeAnyBytesOfAPeerAsTheScalarTwinDoes) {
  Rng rng(GetParam());
  for (const std::size_t length : lengths) {
    const QuantizeForm form{.block = 256, .bits = GetParam()};
    Bytes bytes = room(form, length);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
    for (std::size_t at = 0; at < quantize_scale_bytes(form, length); at += sizeof(float)) {
      store(bytes.data() + at, 0.5F);
    }
    const auto in = parts<const std::uint8_t>(std::as_const(bytes), form, length);
    std::vector<float> expected(length);
    scalar::decode(in, form, std::span(expected));
    for (const QuantizeKernels& kernels : usable_quantize_kernels()) {
      std::vector<float> decoded(length);
      quantize_decode(kernels, in, form, decoded);
      EXPECT_EQ(bits_of(decoded), bits_of(expected)) << kernels.name << ' ' << length;
    }
  }
}

TEST_P(QuantizeKernelsOf, MixAsDecodingAndMixingAfterIt) {
  Rng rng(1);
  for (const std::size_t length : lengths) {
    const QuantizeForm form{.block = 100, .bits = GetParam()};
    const auto values = kinds_of_values(length).front();
    Bytes bytes = room(form, length);
    scalar::encode(std::span(values), form, 77, parts<std::uint8_t>(bytes, form, length));
    const auto in = parts<const std::uint8_t>(std::as_const(bytes), form, length);
    std::vector<float> decoded(length);
    scalar::decode(in, form, std::span(decoded));
    const std::vector<float> own = kinds_of_values(length)[1];
    const std::vector<float> start = kinds_of_values(length)[0];
    std::vector<float> expected = start;
    for (std::size_t i = 0; i < length; ++i) expected[i] += 0.37F * (decoded[i] - own[i]);
    for (const QuantizeKernels& kernels : usable_quantize_kernels()) {
      std::vector<float> target = start;
      quantize_mix(kernels, in, form, {.own = own, .rate = 0.37F, .target = target});
      EXPECT_EQ(bits_of(target), bits_of(expected)) << kernels.name << ' ' << length;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Bits, QuantizeKernelsOf, testing::Range(1U, 9U));

TEST(QuantizeKernels, TouchNothingBehindTheirOutput) {
  const QuantizeForm form{.block = 8, .bits = 3};
  const std::vector<float> values = kinds_of_values(100).front();
  for (const QuantizeKernels& kernels : usable_quantize_kernels()) {
    for (std::size_t count = 1; count <= values.size(); ++count) {
      Bytes bytes = room(form, count);
      bytes.push_back(0x5a);
      quantize_encode(kernels, std::span(values).first(count), form, 1,
                      parts<std::uint8_t>(bytes, form, count));
      EXPECT_EQ(bytes.back(), 0x5a) << kernels.name << ' ' << count;
      std::vector<float> decoded(count + 1, 77.0F);
      quantize_decode(kernels, parts<const std::uint8_t>(std::as_const(bytes), form, count), form,
                      std::span(decoded).first(count));
      EXPECT_EQ(decoded.back(), 77.0F) << kernels.name << ' ' << count;
    }
  }
}

}  // namespace
}  // namespace starling::optim
