#pragma once
// One byte per vote: a sign and 127 levels, six to the octave, of a directional derivative; and the
// integer step that a byte stands for. Only integers from the byte on. Format: docs/LEDGER.md.

#include <cstdint>

namespace starling::optim {

using VoteCode = std::uint8_t;

/// Bit 7 is the sign, bits 0 to 6 the level; level 0 has no magnitude.
inline constexpr VoteCode vote_zero = 0x00;
inline constexpr VoteCode vote_not_finite = 0x80;
/// A code with this bit turned moves the model back by exactly what the code moved it.
inline constexpr VoteCode vote_sign = 0x80;

/// Six levels to the octave: 2^(1/12) - 1 = 5.9 % worst relative error (LEDGER.md allows 6.6 %).
inline constexpr int vote_levels_per_octave = 6;
/// Level 85 stands for 1, so 127 levels span 2^-14 to 2^7; beyond that votes saturate, below they
/// are zero. Softmax on Fashion-MNIST has scalars of 4 to 16 at first; recipes scale the others.
inline constexpr int vote_octaves_below_one = 14;

/// The byte of a scalar: nearest level in the logarithm.
[[nodiscard]] VoteCode encode_vote(double scalar);
/// The scalar a byte stands for; 0 for both reserved codes.
[[nodiscard]] double decode_vote(VoteCode code);

/// Fractional bits of a unit step, see vote_step().
inline constexpr int unit_step_fraction_bits = 34;

/// How far a vote moves each parameter along its direction, in grid units, modulo 2^32.
/// unit_step: grid units that a scalar of 1 moves, in
/// fixed point, < 2^57. rounding: 64 uniform
/// bits; they decide the rounding, so the expectation is exact even for steps below one grid unit.
[[nodiscard]] std::uint32_t vote_step(VoteCode code, std::uint64_t unit_step,
                                      std::uint64_t rounding);

}  // namespace starling::optim
