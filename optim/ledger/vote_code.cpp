#include "optim/ledger/vote_code.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace starling::optim {
namespace {

constexpr int level_mask = 0x7f;
constexpr VoteCode sign_bit = 0x80;

/// round(2^(16 + k/6)): the levels of one octave with 16 fractional bits.
constexpr std::array<std::uint64_t, vote_levels_per_octave> octave{65536, 73562,  82570,
                                                                   92682, 104032, 116772};
constexpr int octave_fraction_bits = 16;

}  // namespace

VoteCode encode_vote(double scalar) {
  if (!std::isfinite(scalar)) return vote_not_finite;
  if (scalar == 0) return vote_zero;
  const double octaves = std::log2(std::abs(scalar)) + vote_octaves_below_one;
  const double level = std::round(octaves * vote_levels_per_octave) + 1;
  if (level < 1) return vote_zero;
  const auto clipped = static_cast<VoteCode>(std::min<double>(level, level_mask));
  return scalar < 0 ? clipped | sign_bit : clipped;
}

double decode_vote(VoteCode code) {
  const int level = code & level_mask;
  if (level == 0) return 0;
  const int index = level - 1;
  const auto mantissa =
      static_cast<double>(octave[static_cast<std::size_t>(index % vote_levels_per_octave)]);
  const double magnitude = std::ldexp(
      mantissa, index / vote_levels_per_octave - vote_octaves_below_one - octave_fraction_bits);
  return (code & sign_bit) != 0 ? -magnitude : magnitude;
}

std::uint32_t vote_step(VoteCode code, std::uint64_t unit_step, std::uint64_t rounding) {
  const int level = code & level_mask;
  if (level == 0) return 0;
  const int index = level - 1;
  // unit_step's fractional bits, 16 of the octave and 14 octaves below one: 64 in all.
  static_assert(unit_step_fraction_bits + octave_fraction_bits + vote_octaves_below_one == 64);
  const auto exact = static_cast<unsigned __int128>(unit_step) *
                         octave[static_cast<std::size_t>(index % vote_levels_per_octave)]
                     << (index / vote_levels_per_octave);
  const auto magnitude = static_cast<std::uint32_t>((exact + rounding) >> 64U);
  return (code & sign_bit) != 0 ? 0U - magnitude : magnitude;
}

}  // namespace starling::optim
