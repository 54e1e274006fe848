#pragma once
// What a step's directions have to do with a gradient: all inner products at once, by the transpose
// of the Hadamard tile (tile.h). The sender's side only; nothing here has to be equal on two
// machines.

#include <cstdint>
#include <span>
#include <vector>

#include "optim/ledger/philox.h"

namespace starling::optim {

/// out[row] = <z, gradient> with z[i] = s[i] * (-1)^popcount(row & i), for every row below `rows`,
/// a power of two. O(d + rows log rows) for all of them together, d = gradient.size().
[[nodiscard]] std::vector<double> project_on_rows(const PhiloxKey& signs, std::uint32_t rows,
                                                  std::span<const float> gradient);

}  // namespace starling::optim
