#pragma once
// Time as a value. The core never reads a clock: `now` is always an argument.

#include <chrono>
#include <compare>
#include <cstdint>

namespace starling {

using Duration = std::chrono::nanoseconds;

/// A point on the owner's monotonic clock (real or virtual), counted from the start of the process.
struct Instant {
  Duration since_start{0};

  /// Later than every instant that is reached; the deadline of a timer that is not set.
  static constexpr Instant never() { return {Duration::max()}; }

  friend constexpr auto operator<=>(const Instant&, const Instant&) = default;
  friend constexpr Instant operator+(Instant at, Duration by) { return {at.since_start + by}; }
  friend constexpr Duration operator-(Instant late, Instant early) {
    return late.since_start - early.since_start;
  }
};

/// Wall-clock seconds since 1970, used only for expiry dates in tickets and certificates.
struct UnixSeconds {
  std::int64_t value = 0;
  friend constexpr auto operator<=>(const UnixSeconds&, const UnixSeconds&) = default;
};

[[nodiscard]] constexpr double to_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace starling
