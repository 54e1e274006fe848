#include "optim/layout.h"

#include <algorithm>
#include <string>

#include "starling/check.h"

namespace starling::optim {
namespace {

void cut_row(std::size_t offset, std::size_t length, std::vector<Block>& out) {
  for (std::size_t at = 0; at < length; at += block_values_max) {
    out.push_back({offset + at, 1, std::min(block_values_max, length - at)});
  }
}

void cut_matrix(std::size_t offset, std::size_t rows, std::size_t columns,
                std::vector<Block>& out) {
  const std::size_t rows_max = block_values_max / columns;
  for (std::size_t row = 0; row < rows; row += rows_max) {
    out.push_back({offset + row * columns, std::min(rows_max, rows - row), columns});
  }
}

}  // namespace

Result<void> check_segments(std::size_t length, std::span<const Segment> segments) {
  std::size_t covered = 0;
  for (const Segment& segment : segments) {
    if (segment.offset != covered) {
      return invalid_input("the task's segment '" + segment.name + "' begins at parameter " +
                           std::to_string(segment.offset) + "; the one before ends at " +
                           std::to_string(covered));
    }
    covered += segment.length();
  }
  if (covered == length) return {};
  return invalid_input("the task's segments cover " + std::to_string(covered) +
                       " parameters; it has " + std::to_string(length));
}

Layout::Layout(std::size_t length, std::span<const Segment> segments) : length_(length) {
  STARLING_CHECK(length >= 1 && (segments.empty() || check_segments(length, segments)));
  cut_row(0, length, flat_);
  for (const Segment& segment : segments) {
    const std::size_t values = segment.length();
    if (values == 0) continue;
    const std::size_t rows = segment.shape.size() < 2 ? 1 : segment.shape.front();
    const std::size_t columns = values / rows;
    if (rows == 1 || columns > block_values_max) {
      cut_row(segment.offset, values, shaped_);
    } else {
      cut_matrix(segment.offset, rows, columns, shaped_);
    }
  }
  if (segments.empty()) shaped_ = flat_;
}

}  // namespace starling::optim
