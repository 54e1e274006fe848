#include "node/core/company_pace.h"

#include <algorithm>
#include <chrono>

#include "protocol/pace.h"

namespace starling::node {

namespace {

/// For the hello of a first neighbour, before interval_scale. Our guess: several round trips of a
/// slow link.
constexpr Duration partner_patience = std::chrono::seconds(5);

/// Steps come in bursts, between which a node waits for others: the mean is over so many
/// measurements that it sees both. Our guess.
constexpr double measurements_kept = 64;

/// One wait for a lost peer, or a laptop's sleep, is no pace. Our guess, in mean measurements.
constexpr double wait_max = 16;
constexpr double measurements_for_a_mean = 8;

}  // namespace

void CompanyPace::start(Instant now) {
  partner_by_ = now + protocol::scaled(partner_patience, interval_scale_);
}

void CompanyPace::on_step(Step step, Company company, Instant now) {
  const bool has_company = company == Company::trains;
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

Instant CompanyPace::paced_until(std::uint64_t count, Company company) const {
  if (company == Company::trains || steps_ == 0) return {};
  const double wait_s = time_s_ / steps_ * static_cast<double>(count);
  return stepped_at_ + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(wait_s));
}

bool CompanyPace::may_step(std::uint64_t count, Company company, Instant now) {
  const bool awaits_partner = company == Company::silent && now < partner_by_;
  if (!awaits_partner) partner_by_ = {};  // once is enough
  const Instant begin_at = awaits_partner ? partner_by_ : paced_until(count, company);
  wait_until_ = begin_at > now ? begin_at : Instant::never();
  return wait_until_ == Instant::never();
}

void CompanyPace::tick(Instant now) {
  if (wait_until_ <= now) wait_until_ = Instant::never();
}

}  // namespace starling::node
