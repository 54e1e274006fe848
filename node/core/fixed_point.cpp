#include "node/core/fixed_point.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "protocol/merge/merge_part.h"
#include "starling/check.h"

namespace starling::node {

namespace {

static_assert(std::endian::native == std::endian::little, "sums are little endian");

constexpr std::size_t sum_bytes_max = 8;

std::int32_t read_i32(const std::uint8_t* at) {
  const std::uint32_t bits =
      static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8U |
      static_cast<std::uint32_t>(at[2]) << 16U | static_cast<std::uint32_t>(at[3]) << 24U;
  return std::bit_cast<std::int32_t>(bits);
}

void write_i32(std::int32_t value, std::uint8_t* at) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  for (unsigned byte = 0; byte < 4; ++byte)
    at[byte] = static_cast<std::uint8_t>(bits >> (8 * byte));
}

std::int32_t round_to_grid(float value) {
  if (std::isnan(value)) return 0;
  constexpr double lowest = std::numeric_limits<std::int32_t>::min();
  constexpr double highest = std::numeric_limits<std::int32_t>::max();
  return static_cast<std::int32_t>(
      std::clamp(std::nearbyint(static_cast<double>(value) / grid_unit), lowest, highest));
}

std::int64_t divide_rounded(std::int64_t sum, std::int64_t by) {
  const std::int64_t half = by / 2;
  return sum >= 0 ? (sum + half) / by : -((-sum + half) / by);
}

std::size_t value_bytes(const WeightedSlice& part) {
  return part.is_sum ? protocol::sum_value_bytes(part.weight) : 4;
}

struct Sums {
  std::uint64_t weight = 0;
  std::vector<std::int64_t> values;
};

void add(const WeightedSlice& part, std::vector<std::int64_t>& sums) {
  if (!part.is_sum) {
    const auto weight = static_cast<std::int64_t>(part.weight);
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += weight * read_i32(&part.data[4 * i]);
    return;
  }
  const std::size_t width = value_bytes(part);
  const auto unused_bits = static_cast<unsigned>(8 * (sum_bytes_max - width));
  // Of int32 values; else the sender is wrong.
  const auto least = -static_cast<std::int64_t>(part.weight << 31U);
  const std::int64_t most = -least - static_cast<std::int64_t>(part.weight);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &part.data[i * width], width);
    const std::int64_t sum = std::bit_cast<std::int64_t>(bits << unused_bits) >> unused_bits;
    sums[i] += std::clamp(sum, least, most);
  }
}

Sums add_up(std::span<const WeightedSlice> parts) {
  STARLING_CHECK(!parts.empty());
  Sums sums;
  sums.values.resize(parts.front().data.size() / value_bytes(parts.front()));
  for (const WeightedSlice& part : parts) {
    STARLING_CHECK(part.weight > 0 && part.data.size() == sums.values.size() * value_bytes(part));
    sums.weight += part.weight;
    add(part, sums.values);
  }
  return sums;
}

}  // namespace

Bytes to_fixed_point(std::span<const float> values) {
  Bytes bytes(values.size() * 4);
  for (std::size_t i = 0; i < values.size(); ++i)
    write_i32(round_to_grid(values[i]), &bytes[4 * i]);
  return bytes;
}

Bytes to_fixed_point(std::span<const std::int32_t> grid) {
  Bytes bytes(grid.size() * 4);
  for (std::size_t i = 0; i < grid.size(); ++i) write_i32(grid[i], &bytes[4 * i]);
  return bytes;
}

std::vector<float> from_fixed_point(ByteSpan bytes) {
  STARLING_CHECK(bytes.size() % 4 == 0);
  std::vector<float> values(bytes.size() / 4);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(static_cast<double>(read_i32(&bytes[4 * i])) * grid_unit);
  }
  return values;
}

std::vector<std::int32_t> fixed_point_values(ByteSpan bytes) {
  STARLING_CHECK(bytes.size() % 4 == 0);
  std::vector<std::int32_t> values(bytes.size() / 4);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = read_i32(&bytes[4 * i]);
  return values;
}

Bytes weighted_sum(std::span<const WeightedSlice> parts) {
  const Sums sums = add_up(parts);
  const std::size_t width = protocol::sum_value_bytes(sums.weight);
  Bytes bytes(sums.values.size() * width);
  for (std::size_t i = 0; i < sums.values.size(); ++i) {
    std::memcpy(&bytes[i * width], &sums.values[i], width);
  }
  return bytes;
}

Bytes weighted_mean(std::span<const WeightedSlice> parts) {
  const Sums sums = add_up(parts);
  const auto weight = static_cast<std::int64_t>(sums.weight);
  Bytes mean(sums.values.size() * 4);
  for (std::size_t i = 0; i < sums.values.size(); ++i) {
    write_i32(static_cast<std::int32_t>(divide_rounded(sums.values[i], weight)), &mean[4 * i]);
  }
  return mean;
}

}  // namespace starling::node
