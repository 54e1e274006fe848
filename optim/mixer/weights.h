#pragma once
// Weights of the doubly stochastic mixers.

#include <algorithm>
#include <cstddef>

namespace starling::optim {

/// Metropolis-Hastings weight of the edge between nodes with these numbers of neighbours; what is
/// left of 1 stays with the node itself. Symmetric, so W is doubly stochastic on every graph.
/// Source: Xiao, Boyd, Lall 2006.
[[nodiscard]] inline double metropolis_weight(std::size_t own_degree,
                                              std::size_t neighbour_degree) {
  return 1.0 / (1.0 + static_cast<double>(std::max(own_degree, neighbour_degree)));
}

/// Pair mixing replaces both ends by their mean.
inline constexpr double pair_weight = 0.5;

}  // namespace starling::optim
