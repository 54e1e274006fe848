#pragma once
// Philox4x32-10: a counter-based generator, a pure function of (counter, key).
// Source: Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011), section 3.3.

#include <array>
#include <cstdint>

namespace starling::optim {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

/// The constants of the paper's reference implementation: multipliers found by search, key
/// increments from the golden ratio and the square root of 3.
namespace philox {
inline constexpr int rounds = 10;
inline constexpr std::array<std::uint32_t, 2> multiplier{0xd2511f53U, 0xcd9e8d57U};
inline constexpr PhiloxKey key_increment{0x9e3779b9U, 0xbb67ae85U};
}  // namespace philox

/// 128 pseudo-random bits. Not for secrets.
[[nodiscard]] constexpr PhiloxCounter philox4x32(PhiloxCounter counter, PhiloxKey key) {
  for (int round = 0; round < philox::rounds; ++round) {
    const std::uint64_t product0 = std::uint64_t{philox::multiplier[0]} * counter[0];
    const std::uint64_t product1 = std::uint64_t{philox::multiplier[1]} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32U) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32U) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product0)};
    key[0] += philox::key_increment[0];
    key[1] += philox::key_increment[1];
  }
  return counter;
}

}  // namespace starling::optim
