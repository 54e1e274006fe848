#pragma once
// How a vector of parameters is cut for codecs and mixers: nothing larger than a block is copied or
// decoded at a time, whatever the model's size.

#include <cstddef>
#include <span>
#include <vector>

#include "starling/result.h"
#include "starling/task.h"

namespace starling::optim {

/// Values in a block, at most; an index within one fits 16 bits.
inline constexpr std::size_t block_values_max = 65536;

/// A part of the vector, a row-major matrix.
struct Block {
  std::size_t offset = 0;  ///< Of its first value.
  std::size_t rows = 1;
  std::size_t columns = 0;

  [[nodiscard]] std::size_t count() const { return rows * columns; }
  friend bool operator==(const Block&, const Block&) = default;
};

/// `values` from the block's place in a vector; empty if there is no vector.
template <class T>
[[nodiscard]] std::span<T> at_block(std::span<T> vector, const Block& block) {
  return vector.empty() ? vector : vector.subspan(block.offset, block.count());
}

/// Error: invalid_input: the segments do not cover `length` parameters one after another.
[[nodiscard]] Result<void> check_segments(std::size_t length, std::span<const Segment> segments);

class Layout {
 public:
  /// length: of the vector, at least 1. segments: as check_segments() wants them; none: one vector.
  explicit Layout(std::size_t length, std::span<const Segment> segments = {});

  [[nodiscard]] std::size_t length() const { return length_; }
  /// Rows of block_values_max values and one with the rest, across segments.
  [[nodiscard]] std::span<const Block> flat() const { return flat_; }
  /// No block reaches into two segments. A matrix is cut between its rows only, unless a single row
  /// is longer than block_values_max; of more dimensions the first counts rows.
  [[nodiscard]] std::span<const Block> shaped() const { return shaped_; }

 private:
  std::size_t length_;
  std::vector<Block> flat_;
  std::vector<Block> shaped_;
};

}  // namespace starling::optim
