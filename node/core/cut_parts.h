#pragma once
// How a model is divided for the digests that tell where two replicas differ.

#include <algorithm>
#include <bit>
#include <cstddef>

#include "protocol/limits.h"

namespace starling::node {

/// Parameters in a part whose digest is taken by itself: 4,096 (our guess: 16 KiB cost little to
/// hash and name a place well enough), or what makes cut_parts_max parts.
[[nodiscard]] constexpr std::size_t cut_part_size(std::size_t parameter_count) {
  constexpr std::size_t most = protocol::limits::cut_parts_max;
  return std::max<std::size_t>(4096, std::bit_ceil((parameter_count + most - 1) / most));
}

}  // namespace starling::node
