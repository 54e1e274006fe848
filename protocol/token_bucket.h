#pragma once
// Bounds how often, or how much: so many a second on average, and more at once after a rest.

#include <algorithm>

#include "starling/instant.h"

namespace starling::protocol {

/// Pure: time is an argument. Begins full.
class TokenBucket {
 public:
  /// rate: tokens a second; > 0. size: as many are there after a rest; by default those of a
  /// second.
  explicit TokenBucket(double rate) : TokenBucket(rate, rate) {}
  TokenBucket(double rate, double size) : rate_(rate), size_(size), tokens_(size) {}

  /// False: there are not as many, and none is taken.
  [[nodiscard]] bool take(Instant now, double count = 1) {
    refill(now);
    if (tokens_ < count) return false;
    tokens_ -= count;
    return true;
  }
  [[nodiscard]] double left(Instant now) {
    refill(now);
    return tokens_;
  }
  [[nodiscard]] bool full(Instant now) const { return tokens_at(now) >= size_; }
  /// How long until there are so many, if none is taken meanwhile.
  [[nodiscard]] Duration time_until(double count, Instant now) const {
    const double missing = std::max(count - tokens_at(now), 0.0);
    return Duration(static_cast<Duration::rep>(missing / rate_ * 1e9) + 1);  // rounded up
  }

 private:
  [[nodiscard]] double tokens_at(Instant now) const {
    return std::min(size_, tokens_ + rate_ * to_seconds(now - refilled_at_));
  }
  void refill(Instant now) {
    tokens_ = tokens_at(now);
    refilled_at_ = now;
  }

  double rate_;
  double size_;
  double tokens_;
  Instant refilled_at_;
};

}  // namespace starling::protocol
