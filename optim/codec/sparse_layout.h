#pragma once
// Parts that the sparse codecs share.

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace starling::optim {

/// Entries kept of `count` (>= 1): the rounded share, at least one.
[[nodiscard]] inline std::size_t kept_entries(double density, std::size_t count) {
  const auto kept = static_cast<std::size_t>(std::lround(density * static_cast<double>(count)));
  return std::clamp<std::size_t>(kept, 1, count);
}

}  // namespace starling::optim
