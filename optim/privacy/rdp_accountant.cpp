#include "optim/privacy/rdp_accountant.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "starling/check.h"

namespace starling::optim {
namespace {

/// Orders that are tried. The best one is near 10 for an epsilon of 1 to 10 and grows as epsilon
/// falls; beyond 64 a coarse net loses less than 1 %.
constexpr unsigned order_dense_max = 64;
constexpr unsigned order_max = 1024;

/// log(exp(a) + exp(b)) without overflow.
double log_add(double a, double b) {
  const double larger = std::max(a, b);
  if (larger == -std::numeric_limits<double>::infinity()) return larger;
  return larger + std::log1p(std::exp(std::min(a, b) - larger));
}

}  // namespace

RdpAccountant::RdpAccountant(double sampling_rate, double noise_multiplier)
    : sampling_rate_(sampling_rate), noise_multiplier_(noise_multiplier) {
  STARLING_CHECK(sampling_rate > 0 && sampling_rate <= 1 && noise_multiplier > 0);
  for (unsigned order = 2; order <= order_max; order += order < order_dense_max ? 1 : order / 4) {
    orders_.push_back({order, divergence(order)});
  }
}

double RdpAccountant::divergence(unsigned order) const {
  const double variance = noise_multiplier_ * noise_multiplier_;
  if (sampling_rate_ == 1) return order / (2 * variance);
  const double log_in = std::log(sampling_rate_);
  const double log_out = std::log1p(-sampling_rate_);
  double log_sum = -std::numeric_limits<double>::infinity();
  double log_binomial = 0;
  for (unsigned k = 0; k <= order; ++k) {
    const double pairs = 0.5 * k * (k - 1.0);
    log_sum =
        log_add(log_sum, log_binomial + k * log_in + (order - k) * log_out + pairs / variance);
    log_binomial += std::log(static_cast<double>(order - k) / (k + 1.0));
  }
  return std::max(0.0, log_sum) / (order - 1);
}

double RdpAccountant::epsilon(std::uint64_t releases, double delta) const {
  if (releases == 0) return 0;
  double least = std::numeric_limits<double>::infinity();
  for (const auto& [order, divergence] : orders_) {
    const double total = static_cast<double>(releases) * divergence;
    const double conversion =
        std::log1p(-1.0 / order) - (std::log(delta) + std::log(order)) / (order - 1);
    least = std::min(least, total + conversion);
  }
  return std::max(0.0, least);
}

}  // namespace starling::optim
