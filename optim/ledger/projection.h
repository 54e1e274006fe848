#pragma once
// What a step's directions have to do with a gradient: all inner products at once, by the transpose
// of the Hadamard tile (tile.h). The sender's side only; nothing here has to be equal on two
// machines.

#include <cstdint>
#include <span>
#include <vector>

#include "optim/ledger/philox.h"
#include "optim/ledger/stretch.h"

namespace starling::optim {

/// out[row] = <z, gradient> with z[i] = s[i] * (-1)^popcount(row & i), for every row below `rows`,
/// a power of two. O(d + rows log rows) for all of them together, d = gradient.size().
[[nodiscard]] std::vector<double> project_on_rows(const PhiloxKey& signs, std::uint32_t rows,
                                                  std::span<const float> gradient);

/// The values of the parameters that move, in order, times the length of directions there: what
/// project_on_rows() takes if not all move alike. values: of the whole model.
[[nodiscard]] std::vector<float> moving_values(std::span<const Stretch> stretches,
                                               std::span<const float> values);

/// The row's direction in the whole model; 0 where nothing moves.
void write_direction(const PhiloxKey& signs, std::uint32_t row, std::span<const Stretch> stretches,
                     std::span<float> out);

}  // namespace starling::optim
