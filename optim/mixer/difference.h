#pragma once
// The linear mixer's one operation.

#include <cstddef>
#include <span>

namespace starling::optim {

/// target += rate * (theirs - own). Both ends of an edge compute opposite changes from the same two
/// vectors, so their sum stays; equal vectors change nothing. All spans have one length.
template <class Scalar, class Target>
void add_difference(Scalar rate, std::span<const Scalar> theirs, std::span<const Scalar> own,
                    std::span<Target> target) {
  for (std::size_t i = 0; i < target.size(); ++i) {
    target[i] += static_cast<Target>(rate * (theirs[i] - own[i]));
  }
}

}  // namespace starling::optim
