#pragma once
// One process of a node, named so that two of them can tell which began first
// (docs/adr/0020-the-copy-that-began-later-stops.md).

#include <cstdint>

#include "starling/instant.h"

namespace starling::protocol {

/// Entropy below the time: two processes of one node that begin in the same millisecond differ all
/// the same, but once in a million.
inline constexpr unsigned incarnation_entropy_bits = 20;

/// started_unix_ms: by the machine's clock, > 0. Never 0; the lesser of two began first.
[[nodiscard]] constexpr std::uint64_t incarnation_of(std::uint64_t started_unix_ms,
                                                     std::uint64_t entropy) {
  const std::uint64_t mask = (std::uint64_t{1} << incarnation_entropy_bits) - 1;
  return started_unix_ms << incarnation_entropy_bits | (entropy & mask);
}

/// How long after `first` began `second` did.
[[nodiscard]] constexpr Duration time_between(std::uint64_t first, std::uint64_t second) {
  return std::chrono::milliseconds((second >> incarnation_entropy_bits) -
                                   (first >> incarnation_entropy_bits));
}

}  // namespace starling::protocol
