#include "optim/privacy/private_scalars.h"

#include <algorithm>
#include <cmath>

#include "starling/check.h"

namespace starling::optim {
namespace {

/// How far one sample moves a scalar, before division. Of samples told apart one comes or goes; a
/// mean's one value can turn from one end of its range to the other.
double sensitivity(const LedgerRecipe& rule, LossGrain grain) {
  return grain == LossGrain::sample ? rule.clip : 2 * rule.clip;
}

}  // namespace

PrivateScalars::PrivateScalars(const LedgerRecipe& rule, LossGrain grain, double samples)
    : clip_(rule.clip),
      divisor_(grain == LossGrain::sample ? samples : 1),
      deviation_(rule.noise * sensitivity(rule, grain) * std::sqrt(rule.probes) / divisor_) {
  STARLING_CHECK(rule.clip > 0 && samples > 0);
}

double PrivateScalars::clipped(std::span<const double> forward, std::span<const double> backward,
                               double distance) const {
  STARLING_CHECK(forward.size() == backward.size());
  double sum = 0;
  for (std::size_t i = 0; i < forward.size(); ++i) {
    const double quotient = (forward[i] - backward[i]) / distance;
    if (std::isfinite(quotient)) sum += std::clamp(quotient, -clip_, clip_);
  }
  return sum / divisor_;
}

}  // namespace starling::optim
