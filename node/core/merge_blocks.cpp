#include "node/core/merge_blocks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "node/core/fixed_point.h"
#include "node/core/wide_sum.h"
#include "protocol/limits.h"
#include "protocol/merge/merge_block.h"
#include "starling/check.h"

namespace starling::node {

namespace {

using protocol::merge_block_head_bytes;
using protocol::merge_block_values;
using protocol::merge_unit_exponent;
using protocol::MergeBlockHead;

static_assert(std::endian::native == std::endian::little, "values are little endian");

/// Integers of a block's own have so many bits besides the sign: a float32's 24 fit exactly.
constexpr int own_bits = 31;
constexpr std::uint8_t grid_unit_code = 125;
static_assert(grid_unit_code + merge_unit_exponent == -24);

using Integers = std::array<std::int32_t, merge_block_values>;
using Sums = std::array<std::int64_t, merge_block_values>;

// --- Writing ---

/// Bytes of two's complement that hold +-magnitude; 0 for zero.
std::uint8_t width_of(std::uint64_t magnitude) {
  if (magnitude == 0) return 0;
  return static_cast<std::uint8_t>(std::bit_width(magnitude) / 8 + 1);
}

template <class Integer>
void append_block(std::uint8_t unit, std::span<const Integer> values, Bytes& out) {
  // Of v and of -v - 1 the same bits differ from the sign.
  std::make_unsigned_t<Integer> bits = 0;
  for (const Integer value : values) {
    bits |= static_cast<std::make_unsigned_t<Integer>>(value < 0 ? ~value : value);
  }
  const bool is_zero = std::ranges::all_of(values, [](Integer value) { return value == 0; });
  const std::size_t width = is_zero ? 0 : std::max<std::uint8_t>(width_of(bits), 1);
  out.push_back(is_zero ? 0 : unit);
  out.push_back(static_cast<std::uint8_t>(width));
  if (width == sizeof(Integer)) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(values.data());
    out.insert(out.end(), bytes, bytes + values.size_bytes());
    return;
  }
  const std::size_t at = out.size();
  out.resize(at + width * values.size());
  if (width == 0) return;
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::memcpy(&out[at + i * width], &values[i], width);
  }
}

/// Of the block's largest magnitude, which is finite.
std::uint8_t unit_of(std::span<const float> values) {
  std::uint32_t largest = 0;
  for (const float value : values) {
    largest = std::max(largest, std::bit_cast<std::uint32_t>(value) & 0x7FFFFFFFU);
  }
  int exponent = 0;
  static_cast<void>(std::frexp(std::bit_cast<float>(largest), &exponent));
  return static_cast<std::uint8_t>(std::max(exponent - own_bits - merge_unit_exponent, 0));
}

void append_block(std::span<const float> values, Bytes& out) {
  const std::uint8_t unit = unit_of(values);
  const double scale = std::ldexp(1.0, -(unit + merge_unit_exponent));
  Integers integers;
  for (std::size_t i = 0; i < values.size(); ++i) {
    integers[i] = static_cast<std::int32_t>(std::rint(static_cast<double>(values[i]) * scale));
  }
  append_block(unit, std::span<const std::int32_t>(integers).first(values.size()), out);
}

// --- Reading ---

/// One part's block: its head, and where its integers are.
struct Block {
  std::uint8_t unit = 0;
  std::size_t width = 0;
  std::uint64_t weight = 1;
  const std::uint8_t* integers = nullptr;

  /// Of weight times integer * 2^unit, in units of 2^low; where 63 bits may not hold it: 2^63.
  [[nodiscard]] std::uint64_t magnitude_max(unsigned low) const {
    constexpr std::uint64_t much = std::uint64_t{1} << 63U;
    const auto bits = static_cast<unsigned>(8 * width - 1) + (unit - low);
    if (bits + static_cast<unsigned>(std::bit_width(weight)) > 62) return much;
    return weight << bits;
  }
};

/// Goes through the blocks of several parts side by side.
class BlockReader {
 public:
  BlockReader(std::span<const WeightedSlice> parts, std::size_t values)
      : parts_(parts), at_(parts.size()), left_(values) {
    for (const WeightedSlice& part : parts) {
      STARLING_CHECK(part.weight > 0);
      STARLING_CHECK(protocol::are_merge_blocks(part.blocks, values, part.is_sum));
    }
  }
  [[nodiscard]] bool at_end() const { return left_ == 0; }

  /// Returns the number of values; blocks: those that are not zero.
  std::size_t next(std::vector<Block>& blocks) {
    blocks.clear();
    const std::size_t count = std::min(left_, merge_block_values);
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const std::uint8_t* head = parts_[i].blocks.data() + at_[i];
      const Block block{head[0], head[1], parts_[i].is_sum ? 1 : parts_[i].weight,
                        head + merge_block_head_bytes};
      at_[i] += merge_block_head_bytes + count * block.width;
      if (block.width > 0) blocks.push_back(block);
    }
    left_ -= count;
    return count;
  }

 private:
  std::span<const WeightedSlice> parts_;
  std::vector<std::size_t> at_;
  std::size_t left_;
};

unsigned lowest_unit(std::span<const Block> blocks) {
  unsigned low = protocol::merge_unit_max;
  for (const Block& block : blocks) low = std::min<unsigned>(low, block.unit);
  return low;
}

/// True if their sum, in units of 2^low, fits 63 bits whatever the integers are.
bool fits_narrowly(std::span<const Block> blocks, unsigned low) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  std::uint64_t sum = 0;
  for (const Block& block : blocks) {
    sum += block.magnitude_max(low);
    if (sum > most) return false;
  }
  return true;
}

// --- Adding ---

template <std::size_t width>
void add_integers(const Block& block, std::int64_t factor, std::span<std::int64_t> sums) {
  constexpr unsigned unused_bits = 8 * (8 - width);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, block.integers + i * width, width);
    sums[i] += factor * (std::bit_cast<std::int64_t>(bits << unused_bits) >> unused_bits);
  }
}

template <>
void add_integers<4>(const Block& block, std::int64_t factor, std::span<std::int64_t> sums) {
  if (factor > std::numeric_limits<std::int32_t>::max()) {
    for (std::size_t i = 0; i < sums.size(); ++i) {
      std::int32_t value = 0;
      std::memcpy(&value, block.integers + 4 * i, 4);
      sums[i] += factor * value;
    }
    return;
  }
  const auto narrow = static_cast<std::int32_t>(factor);  // what vector units multiply at once
  for (std::size_t i = 0; i < sums.size(); ++i) {
    std::int32_t value = 0;
    std::memcpy(&value, block.integers + 4 * i, 4);
    sums[i] += static_cast<std::int64_t>(narrow) * value;
  }
}

void add_narrowly(const Block& block, unsigned low, std::span<std::int64_t> sums) {
  const auto factor = static_cast<std::int64_t>(block.weight << (block.unit - low));
  switch (block.width) {
    case 1:
      return add_integers<1>(block, factor, sums);
    case 2:
      return add_integers<2>(block, factor, sums);
    case 3:
      return add_integers<3>(block, factor, sums);
    case 4:
      return add_integers<4>(block, factor, sums);
    case 5:
      return add_integers<5>(block, factor, sums);
    case 6:
      return add_integers<6>(block, factor, sums);
    case 7:
      return add_integers<7>(block, factor, sums);
    default:
      return add_integers<8>(block, factor, sums);
  }
}

std::vector<WideSum> add_widely(std::span<const Block> blocks, std::size_t count) {
  std::vector<WideSum> sums(count);
  for (const Block& block : blocks) {
    for (std::size_t i = 0; i < count; ++i) {
      const ByteSpan bytes(block.integers + i * block.width, block.width);
      if (block.weight == 1) {
        sums[i].add(bytes, block.unit);
      } else {  // of one member, so that it has 32 bits at most, and its weight 20
        WideSum value;
        value.add(bytes, 0);
        sums[i].add(
            static_cast<std::int64_t>(value.to_double()) * static_cast<std::int64_t>(block.weight),
            block.unit);
      }
    }
  }
  return sums;
}

// --- What is made of the sums of a block ---

void append_wide_block(std::span<const WideSum> sums, unsigned low, Bytes& out) {
  std::size_t width = 0;
  for (const WideSum& sum : sums) width = std::max(width, sum.width(low));
  width = std::min<std::size_t>(width, (protocol::merge_sum_bits_max - low) / 8);
  out.push_back(static_cast<std::uint8_t>(width == 0 ? 0 : low));
  out.push_back(static_cast<std::uint8_t>(width));
  for (const WideSum& sum : sums) {
    out.resize(out.size() + width);
    if (width > 0) sum.write(low, width, &out[out.size() - width]);
  }
}

/// As a function of the exact sum alone: whether it was added up in 64 bits leaves no trace.
std::uint32_t rounded(double mean, ModelForm form) {
  if (form == ModelForm::floats) {
    constexpr double most = std::numeric_limits<float>::max();
    return std::bit_cast<std::uint32_t>(static_cast<float>(std::clamp(mean, -most, most)));
  }
  constexpr double least = std::numeric_limits<std::int32_t>::min();
  constexpr double most = std::numeric_limits<std::int32_t>::max();
  return std::bit_cast<std::uint32_t>(
      static_cast<std::int32_t>(std::clamp(std::round(mean / grid_unit), least, most)));
}

/// Calls narrow(sums, low unit) or wide(sums, low unit) for each block.
template <class Narrow, class Wide>
void for_each_sum(std::span<const WeightedSlice> parts, std::size_t values, const Narrow& narrow,
                  const Wide& wide) {
  STARLING_CHECK(!parts.empty());
  std::vector<Block> blocks;
  for (BlockReader reader(parts, values); !reader.at_end();) {
    const std::size_t count = reader.next(blocks);
    const unsigned low = lowest_unit(blocks);
    if (!fits_narrowly(blocks, low)) {
      wide(std::span<const WideSum>(add_widely(blocks, count)), low);
      continue;
    }
    Sums all{};
    const std::span<std::int64_t> sums = std::span(all).first(count);
    for (const Block& block : blocks) add_narrowly(block, low, sums);
    narrow(std::span<const std::int64_t>(sums), low);
  }
}

}  // namespace

Bytes blocks_of(std::span<const float> values) {
  Bytes out;
  out.reserve(protocol::merge_blocks_bytes_max(values.size(), false));
  for (; !values.empty(); values = values.subspan(std::min(values.size(), merge_block_values))) {
    append_block(values.first(std::min(values.size(), merge_block_values)), out);
  }
  return out;
}

Bytes blocks_of(std::span<const std::int32_t> grid) {
  Bytes out;
  out.reserve(protocol::merge_blocks_bytes_max(grid.size(), false));
  for (; !grid.empty(); grid = grid.subspan(std::min(grid.size(), merge_block_values))) {
    append_block(grid_unit_code, grid.first(std::min(grid.size(), merge_block_values)), out);
  }
  return out;
}

Bytes weighted_sum(std::span<const WeightedSlice> parts, std::size_t values) {
  Bytes out;
  out.reserve(values * 5 + protocol::merge_blocks_of(values) * merge_block_head_bytes);
  for_each_sum(
      parts, values,
      [&](std::span<const std::int64_t> sums, unsigned low) {
        append_block(static_cast<std::uint8_t>(low), sums, out);
      },
      [&](std::span<const WideSum> sums, unsigned low) { append_wide_block(sums, low, out); });
  return out;
}

Bytes weighted_mean(std::span<const WeightedSlice> parts, std::size_t values, ModelForm form) {
  std::uint64_t weights = 0;
  for (const WeightedSlice& part : parts) weights += part.weight;
  const auto weight = static_cast<double>(weights);
  Bytes out(values * sizeof(std::uint32_t));
  std::uint8_t* at = out.data();
  const auto put = [&](double sum) {
    const std::uint32_t bits = rounded(sum / weight, form);
    std::memcpy(at, &bits, sizeof bits);
    at += sizeof bits;
  };
  for_each_sum(
      parts, values,
      [&](std::span<const std::int64_t> sums, unsigned low) {
        const double unit = std::ldexp(1.0, static_cast<int>(low) + merge_unit_exponent);
        for (const std::int64_t sum : sums) put(static_cast<double>(sum) * unit);
      },
      [&](std::span<const WideSum> sums, unsigned) {
        for (const WideSum& sum : sums) put(std::ldexp(sum.to_double(), merge_unit_exponent));
      });
  return out;
}

}  // namespace starling::node
