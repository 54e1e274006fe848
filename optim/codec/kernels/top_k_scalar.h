#pragma once
// The largest magnitudes of a chunk by one selection over all of them. It defines what is selected;
// the kernels must equal it.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <type_traits>
#include <vector>

namespace starling::optim::scalar {

/// The bits of |value| order like |value| and, unlike it, order NaN too (above infinity).
template <class Scalar>
[[nodiscard]] auto magnitude_bits(Scalar value) {
  using Bits =
      std::conditional_t<sizeof(Scalar) == sizeof(std::uint32_t), std::uint32_t, std::uint64_t>;
  return std::bit_cast<Bits>(std::abs(value));
}

/// The kept-th largest of the magnitudes, which are reordered. kept: 1 to their number.
template <class Bits>
[[nodiscard]] Bits kth_largest(std::vector<Bits>& magnitudes, std::size_t kept) {
  const auto kth = magnitudes.begin() + static_cast<std::ptrdiff_t>(kept - 1);
  std::ranges::nth_element(magnitudes, kth, std::ranges::greater{});
  return *kth;
}

/// As select_top_k.
template <class Scalar>
void select_top_k(std::span<const Scalar> values, std::span<std::uint16_t> indices) {
  std::vector<decltype(magnitude_bits(Scalar{}))> magnitudes(values.size());
  std::ranges::transform(values, magnitudes.begin(), magnitude_bits<Scalar>);
  const auto threshold = kth_largest(magnitudes, indices.size());
  const auto above = std::ranges::count_if(
      magnitudes, [threshold](auto magnitude) { return magnitude > threshold; });
  std::size_t ties_left = indices.size() - static_cast<std::size_t>(above);
  std::size_t out = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto magnitude = magnitude_bits(values[i]);
    if (magnitude < threshold || (magnitude == threshold && ties_left == 0)) continue;
    if (magnitude == threshold) --ties_left;
    indices[out++] = static_cast<std::uint16_t>(i);
  }
}

}  // namespace starling::optim::scalar
