#pragma once
// The arithmetic of merges for tests of the protocol, which has none: written for clarity, and not
// the learner's.

#include <cstdint>
#include <cstring>
#include <vector>

#include "protocol/merge/merge_output.h"
#include "protocol/merge/merge_part.h"
#include "starling/ids.h"

namespace starling::testing {

[[nodiscard]] inline Bytes bytes_of(const std::vector<std::int32_t>& values) {
  Bytes bytes(values.size() * 4);
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}
[[nodiscard]] inline std::vector<std::int32_t> values_of(const Bytes& bytes) {
  std::vector<std::int32_t> values(bytes.size() / 4);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

/// Little endian with its sign.
[[nodiscard]] inline std::int64_t number_at(const Bytes& bytes, std::size_t at, std::size_t width) {
  std::int64_t value = static_cast<std::int8_t>(bytes[at + width - 1]);
  for (std::size_t i = width - 1; i-- > 0;) value = value * 256 + bytes[at + i];
  return value;
}

struct SliceSum {
  std::uint64_t weight = 0;
  std::vector<std::int64_t> values;
};

[[nodiscard]] inline SliceSum add_up(const std::vector<protocol::SlicePart>& parts) {
  SliceSum sum;
  for (const protocol::SlicePart& part : parts) {
    const std::size_t width = part.is_sum ? protocol::sum_value_bytes(part.weight) : 4;
    const auto factor = part.is_sum ? 1 : static_cast<std::int64_t>(part.weight);
    sum.values.resize(part.data.size() / width);
    sum.weight += part.weight;
    for (std::size_t i = 0; i < sum.values.size(); ++i) {
      sum.values[i] += factor * number_at(part.data, i * width, width);
    }
  }
  return sum;
}

[[nodiscard]] inline Bytes sum_of(const std::vector<protocol::SlicePart>& parts) {
  const SliceSum sum = add_up(parts);
  Bytes bytes;
  for (const std::int64_t value : sum.values) {
    for (std::size_t i = 0; i < protocol::sum_value_bytes(sum.weight); ++i) {
      bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
  }
  return bytes;
}

[[nodiscard]] inline Bytes mean_of(const std::vector<protocol::SlicePart>& parts) {
  const SliceSum sum = add_up(parts);
  std::vector<std::int32_t> mean;
  for (const std::int64_t value : sum.values) {
    mean.push_back(static_cast<std::int32_t>(value / static_cast<std::int64_t>(sum.weight)));
  }
  return bytes_of(mean);
}

}  // namespace starling::testing
