#include "optim/ledger/grid.h"

#include <cmath>
#include <cstddef>
#include <limits>

#include "starling/check.h"

namespace starling::optim {

std::int32_t to_grid(float value) {
  constexpr double lowest = std::numeric_limits<std::int32_t>::min();
  constexpr double highest = std::numeric_limits<std::int32_t>::max();
  const double scaled = std::nearbyint(double{value} / double{grid_unit});
  return static_cast<std::int32_t>(std::fmin(std::fmax(scaled, lowest), highest));
}

void to_grid(std::span<const float> values, std::span<std::int32_t> grid) {
  STARLING_CHECK(values.size() == grid.size());
  for (std::size_t i = 0; i < grid.size(); ++i) grid[i] = to_grid(values[i]);
}

void from_grid(std::span<const std::int32_t> grid, std::span<float> values) {
  STARLING_CHECK(values.size() == grid.size());
  for (std::size_t i = 0; i < grid.size(); ++i) values[i] = from_grid(grid[i]);
}

}  // namespace starling::optim
