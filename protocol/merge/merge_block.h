#pragma once
// How the values of a slice travel up a tree: in blocks, each of integers of a unit of its own, so
// that a sum of blocks is exact whatever its order (docs/adr/0028). Foreign bytes.
//
// Layout, little endian; sizes in bits:
//
//   blocks = block*                                   the values in order, 256 a block
//   block  = unit (8), width (8), value*              the last one of a slice may have fewer values
//   value  = integer (8 * width, two's complement)    width 0: all values are zero
//
// A value stands for integer * 2^(unit - 149): no float32 has a bit below 2^-149.

#include <cstddef>
#include <cstdint>
#include <optional>

#include "starling/ids.h"

namespace starling::protocol {

/// Our guess: of 256 values the scale costs 0.2 %, and few of them are far smaller than the
/// largest.
inline constexpr std::size_t merge_block_values = 256;

/// What unit 0 stands for is 2 to the power of this.
inline constexpr int merge_unit_exponent = -149;
/// Of the largest float32, whose integer has 31 bits: 2^97.
inline constexpr unsigned merge_unit_max = 246;

/// Integers of one member have 32 bits. A sum of 1,024 members of weight 2^20 has 30 more, and as
/// many as its members' units are apart: 308 bits above 2^-149 hold any.
inline constexpr unsigned merge_own_width_max = 4;
inline constexpr unsigned merge_sum_bits_max = 320;

struct MergeBlockHead {
  std::uint8_t unit = 0;
  std::uint8_t width = 0;  ///< Bytes of each value.
};
inline constexpr std::size_t merge_block_head_bytes = 2;

[[nodiscard]] constexpr std::size_t merge_blocks_of(std::size_t values) {
  return (values + merge_block_values - 1) / merge_block_values;
}

/// True if the bytes are exactly the blocks of so many values, of one member or of a sum of
/// several.
[[nodiscard]] bool are_merge_blocks(ByteSpan bytes, std::size_t values, bool is_sum);

/// The most bytes that so many values take, of one member or of a sum.
[[nodiscard]] std::size_t merge_blocks_bytes_max(std::size_t values, bool is_sum);

}  // namespace starling::protocol
