#pragma once
// Parts that the sparse codecs share.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "optim/part.h"

namespace starling::optim {

inline constexpr Field density_field =
    real_field("density", {std::numeric_limits<double>::min(), 1.0}, 0.01,
               "share of a block's entries that is kept");

/// Entries kept of `count` (>= 1): the rounded share, at least one.
[[nodiscard]] inline std::size_t kept_entries(double density, std::size_t count) {
  const auto kept = static_cast<std::size_t>(std::lround(density * static_cast<double>(count)));
  return std::clamp<std::size_t>(kept, 1, count);
}

}  // namespace starling::optim
