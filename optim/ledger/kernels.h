#pragma once
// The loops over parameters, once per instruction set, chosen at run time. All give the same
// integers as naive_sum.h. Each works on whole groups of parameters; callers pad.

#include <cstddef>
#include <cstdint>
#include <span>

#include "optim/ledger/naive_sum.h"

namespace starling::optim {

/// Philox blocks computed side by side: one per 32-bit lane of a 512-bit register.
inline constexpr std::size_t sign_lanes = 16;
/// Parameters that a kernel treats at once.
inline constexpr std::size_t group_size = sign_lanes * signs_per_block;

[[nodiscard]] constexpr std::size_t padded_size(std::size_t parameter_count) {
  return (parameter_count + group_size - 1) / group_size * group_size;
}

/// A run of whole groups within the model, beginning with group `first_group`.
struct GridPart {
  std::span<std::int32_t> grid;
  std::size_t first_group = 0;
};

/// The votes of one step, summed over rows and transformed: parameter i moves by
/// -s_t[i] * sums[i mod sums.size()]. sums.size(): a power of two, at least group_size.
struct SummedStep {
  PhiloxKey signs;
  std::span<const std::uint32_t> sums;
};

struct LedgerKernels {
  const char* name;
  /// Adds a whole step.
  void (*sweep)(const GridPart& part, const SummedStep& step);
  /// Adds votes of one step, each by itself, in one pass over memory; naive, but quick.
  void (*add_votes)(const GridPart& part, const PhiloxKey& signs, std::span<const RowVote> votes);
  /// out = 2^-24 * (grid - step * z): the compute copy of a probe. out: length of the part.
  void (*perturb)(const GridPart& part, const PhiloxKey& signs, const RowVote& vote, float* out);
  /// Fast Walsh-Hadamard transform in place, without scaling; modulo 2^32. Length: a power of two.
  void (*transform)(std::span<std::uint32_t> values);
};

/// The kernels this processor can run, slowest first; never empty.
[[nodiscard]] std::span<const LedgerKernels> usable_kernels();
/// The fastest of them.
[[nodiscard]] const LedgerKernels& best_kernels();

}  // namespace starling::optim
