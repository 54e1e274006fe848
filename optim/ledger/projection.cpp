#include "optim/ledger/projection.h"

#include <algorithm>
#include <bit>
#include <cstddef>

#include "optim/ledger/direction.h"
#include "starling/check.h"

namespace starling::optim {
namespace {

struct SignRange {
  std::size_t first = 0;
  std::size_t count = 0;
};

/// visit(i, s_t[i] is -1) for every moving parameter of the range.
template <class Visit>
void for_each_sign(const PhiloxKey& signs, const SignRange& range, const Visit& visit) {
  PhiloxCounter block{};
  for (std::size_t i = range.first; i < range.first + range.count; ++i) {
    const std::size_t bit = i % signs_per_block;
    if (bit == 0 || i == range.first) block = sign_block(signs, i / signs_per_block);
    visit(i, ((block[bit / 32] >> (bit % 32)) & 1U) != 0);
  }
}

float direction_length(const Stretch& stretch) {
  return static_cast<float>(std::uint64_t{1} << stretch.shift);
}

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
  for_each_sign(signs, {0, gradient.size()}, [&](std::size_t i, bool negative) {
    folded[i & (rows - 1)] += negative ? -double{gradient[i]} : double{gradient[i]};
  });
  transform(folded);
  return folded;
}

std::vector<float> moving_values(std::span<const Stretch> stretches,
                                 std::span<const float> values) {
  std::vector<float> moving;
  for (const Stretch& stretch : stretches) {
    const float length = direction_length(stretch);
    for (const float value : values.subspan(stretch.offset, stretch.length)) {
      moving.push_back(length * value);
    }
  }
  return moving;
}

void write_direction(const PhiloxKey& signs, std::uint32_t row, std::span<const Stretch> stretches,
                     std::span<float> out) {
  std::ranges::fill(out, 0.0F);
  for (const Stretch& stretch : stretches) {
    const float length = direction_length(stretch);
    const auto part = out.subspan(stretch.offset, stretch.length);
    for_each_sign(signs, {stretch.first, part.size()}, [&](std::size_t i, bool negative) {
      const bool is_negative = negative != hadamard_negative(row, i);
      part[i - stretch.first] = is_negative ? -length : length;
    });
  }
}

}  // namespace starling::optim
