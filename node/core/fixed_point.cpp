#include "node/core/fixed_point.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "starling/check.h"

namespace starling::node {

namespace {

constexpr std::uint64_t weight_max = 1U << 20U;

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

Bytes weighted_mean(std::span<const WeightedSlice> parts) {
  STARLING_CHECK(!parts.empty());
  const std::size_t count = parts.front().data.size() / 4;
  std::vector<std::int64_t> sums(count, 0);
  std::int64_t total = 0;
  for (const WeightedSlice& part : parts) {
    STARLING_CHECK(part.data.size() == count * 4);
    const auto weight =
        static_cast<std::int64_t>(std::clamp<std::uint64_t>(part.weight, 1, weight_max));
    total += weight;
    for (std::size_t i = 0; i < count; ++i) sums[i] += weight * read_i32(&part.data[4 * i]);
  }
  STARLING_CHECK(total > 0);
  Bytes mean(count * 4);
  for (std::size_t i = 0; i < count; ++i) {
    write_i32(static_cast<std::int32_t>(divide_rounded(sums[i], total)), &mean[4 * i]);
  }
  return mean;
}

}  // namespace starling::node
