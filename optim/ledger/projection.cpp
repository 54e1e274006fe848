#include "optim/ledger/projection.h"

#include <bit>
#include <cstddef>

#include "optim/ledger/direction.h"
#include "starling/check.h"

namespace starling::optim {
namespace {

/// Fast Walsh-Hadamard transform in place, without scaling.
void transform(std::span<double> values) {
  for (std::size_t half = 1; half < values.size(); half *= 2) {
    for (std::size_t start = 0; start < values.size(); start += 2 * half) {
      for (std::size_t i = start; i < start + half; ++i) {
        const double sum = values[i] + values[i + half];
        values[i + half] = values[i] - values[i + half];
        values[i] = sum;
      }
    }
  }
}

}  // namespace

std::vector<double> project_on_rows(const PhiloxKey& signs, std::uint32_t rows,
                                    std::span<const float> gradient) {
  STARLING_CHECK(std::has_single_bit(rows));
  std::vector<double> folded(rows);
  PhiloxCounter block{};
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const std::size_t bit = i % signs_per_block;
    if (bit == 0) block = sign_block(signs, i / signs_per_block);
    const bool negative = ((block[bit / 32] >> (bit % 32)) & 1U) != 0;
    folded[i & (rows - 1)] += negative ? -double{gradient[i]} : double{gradient[i]};
  }
  transform(folded);
  return folded;
}

}  // namespace starling::optim
