#include "node/core/company_pace.h"

#include <algorithm>
#include <chrono>

namespace starling::node {

namespace {

/// Steps come in bursts, between which a node waits for others: the mean is over so many
/// measurements that it sees both. Our guess.
constexpr double measurements_kept = 64;

/// One wait for a lost peer, or a laptop's sleep, is no pace. Our guess, in mean measurements.
constexpr double wait_max = 16;
constexpr double measurements_for_a_mean = 8;

}  // namespace

void CompanyPace::on_step(Step step, bool has_company, Instant now) {
  const bool measures = has_company && had_company_ && step > step_;
  if (measures && stepped_at_ != Instant::never()) {
    double waited_s = to_seconds(now - stepped_at_);
    if (measurements_ >= measurements_for_a_mean) {
      waited_s = std::min(waited_s, wait_max * time_s_ / measurements_);
    }
    const double keep = 1 - 1 / measurements_kept;
    measurements_ = keep * measurements_ + 1;
    steps_ = keep * steps_ + static_cast<double>(step - step_);
    time_s_ = keep * time_s_ + waited_s;
  }
  step_ = step;
  stepped_at_ = now;
  had_company_ = has_company;
}

Instant CompanyPace::next_at(bool has_company, std::uint64_t count) const {
  if (has_company || steps_ == 0) return {};
  const double wait_s = time_s_ / steps_ * static_cast<double>(count);
  return stepped_at_ + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(wait_s));
}

}  // namespace starling::node
