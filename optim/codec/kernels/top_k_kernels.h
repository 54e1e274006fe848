#pragma once
// Which values of a chunk have the largest magnitudes: the loop over all of them once per
// instruction set, chosen at run time. All give the indices of top_k_scalar.h, which defines them.

#include <cstddef>
#include <cstdint>
#include <span>

namespace starling::optim {

/// Values of a chunk whose indices fit 16 bits.
inline constexpr std::size_t top_k_values_max = 65536;

struct TopKKernels {
  const char* name;
  /// Bit i of marks tells whether the magnitude of value i, as an integer, is at least `threshold`
  /// (at most 2^31 - 1). marks: one bit per value, whole words, overwritten.
  void (*mark)(std::span<const float> values, std::uint32_t threshold, std::uint64_t* marks);
};

/// The kernels this processor can run, slowest first; never empty.
[[nodiscard]] std::span<const TopKKernels> usable_top_k_kernels();
/// The fastest of them.
[[nodiscard]] const TopKKernels& best_top_k_kernels();

/// Ascending indices of the indices.size() largest magnitudes; of equal ones the first are taken,
/// and NaN is larger than infinity. values: 1 to top_k_values_max; indices: 1 to as many.
void select_top_k(const TopKKernels& kernels, std::span<const float> values,
                  std::span<std::uint16_t> indices);

}  // namespace starling::optim
