#pragma once
// The arithmetic of merges for tests of the protocol, which has none: written for clarity, and not
// the learner's. Every value is an integer of one unit.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "protocol/merge/merge_block.h"
#include "protocol/merge/merge_output.h"
#include "starling/ids.h"

namespace starling::testing {

/// Of all blocks here; what it stands for is not the protocol's affair.
inline constexpr std::uint8_t test_unit = 125;

[[nodiscard]] inline Bytes bytes_of(std::span<const std::int32_t> values) {
  Bytes bytes(values.size_bytes());
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}
[[nodiscard]] inline std::vector<std::int32_t> values_of(ByteSpan bytes) {
  std::vector<std::int32_t> values(bytes.size() / 4);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

/// width: bytes of each value.
[[nodiscard]] inline Bytes blocks_of(std::span<const std::int64_t> values, std::uint8_t width) {
  Bytes bytes;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % protocol::merge_block_values == 0) bytes.insert(bytes.end(), {test_unit, width});
    for (std::size_t byte = 0; byte < width; ++byte) {
      bytes.push_back(static_cast<std::uint8_t>(values[i] >> (8 * byte)));
    }
  }
  return bytes;
}
[[nodiscard]] inline Bytes own_blocks(std::span<const std::int32_t> values) {
  return blocks_of(std::vector<std::int64_t>(values.begin(), values.end()), 4);
}

/// Little endian with its sign.
[[nodiscard]] inline std::int64_t number_at(ByteSpan bytes, std::size_t at, std::size_t width) {
  std::int64_t value = static_cast<std::int8_t>(bytes[at + width - 1]);
  for (std::size_t i = width - 1; i-- > 0;) value = value * 256 + bytes[at + i];
  return value;
}

struct SliceSum {
  std::uint64_t weight = 0;
  std::vector<std::int64_t> values;

  void add(std::int64_t factor, ByteSpan blocks) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t place = i % protocol::merge_block_values;
      const std::size_t width = blocks[at + 1];
      const std::size_t count = std::min(protocol::merge_block_values, values.size() - i + place);
      values[i] += factor * number_at(blocks, at + 2 + place * width, width);
      if (place + 1 == count) at += 2 + count * width;
    }
  }
};

/// own: this node's own values in the slice, of weight own_weight.
[[nodiscard]] inline SliceSum add_up(const std::vector<protocol::SlicePart>& parts,
                                     std::uint64_t own_weight, std::span<const std::int32_t> own) {
  SliceSum sum{.weight = own_weight, .values = std::vector<std::int64_t>(own.size())};
  for (std::size_t i = 0; i < own.size(); ++i) {
    sum.values[i] = static_cast<std::int64_t>(own_weight) * own[i];
  }
  for (const protocol::SlicePart& part : parts) {
    sum.weight += part.weight;
    sum.add(part.is_sum ? 1 : static_cast<std::int64_t>(part.weight), part.blocks);
  }
  return sum;
}

[[nodiscard]] inline Bytes sum_of(const std::vector<protocol::SlicePart>& parts,
                                  std::uint64_t own_weight, std::span<const std::int32_t> own) {
  if (parts.empty()) return own_blocks(own);
  return blocks_of(add_up(parts, own_weight, own).values, 5);
}

[[nodiscard]] inline Bytes mean_of(const std::vector<protocol::SlicePart>& parts,
                                   std::uint64_t own_weight, std::span<const std::int32_t> own) {
  const SliceSum sum = add_up(parts, own_weight, own);
  std::vector<std::int32_t> mean;
  for (const std::int64_t value : sum.values) {
    mean.push_back(static_cast<std::int32_t>(value / static_cast<std::int64_t>(sum.weight)));
  }
  return bytes_of(mean);
}

}  // namespace starling::testing
