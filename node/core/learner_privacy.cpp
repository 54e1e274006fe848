// The learner's part in private votes (docs/LEDGER.md, Privacy): batches and noise that nobody else
// can foresee.

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "crypto/byte_order.h"
#include "crypto/digest.h"
#include "node/core/learner.h"
#include "optim/privacy/private_scalars.h"
#include "starling/check.h"

namespace starling::node {

namespace {

/// Uniform in (0, 1], 53 bits.
double uniform(std::uint64_t bits) {
  return static_cast<double>((bits >> 11U) + 1) * 0x1.0p-53;
}

/// A standard normal number by Box and Muller (1958) from a pseudo-random function: unlike Rng, no
/// number drawn from it gives away another.
double secret_normal(const crypto::Secret<32>& secret, std::uint64_t number) {
  Bytes counter;
  crypto::append_big_endian(counter, number);
  const Digest bits = crypto::keyed_digest(secret.bytes(), "vote noise", counter);
  const double radius = std::sqrt(-2.0 * std::log(uniform(bits.word(0))));
  return radius * std::cos(2.0 * std::numbers::pi * uniform(bits.word(1)));
}

double mean_of(const std::vector<double>& values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

double Learner::sampling_rate() const {
  if (!task_->has_losses()) return 1;
  return std::min(1.0, options_.recipe.batch / static_cast<double>(task_->sample_count()));
}

BatchKey Learner::private_batch(Step step) const {
  const Digest seed = crypto::keyed_digest(options_.privacy_secret->bytes(), "vote batches", {});
  return {.seed = seed.word(0),
          .step = step,
          .size = options_.recipe.batch,
          .is_poisson = task_->has_losses()};
}

Measurement Learner::measure_privately(const ProbeJob& job) {
  STARLING_CHECK(options_.privacy_secret.has_value());
  const bool by_sample = task_->has_losses();
  const optim::PrivateScalars rule(options_.recipe.ledger(),
                                   by_sample ? optim::LossGrain::sample : optim::LossGrain::batch,
                                   sampling_rate() * static_cast<double>(task_->sample_count()));
  const BatchKey key = private_batch(job.step);
  const double distance = votes().probe_distance();
  std::vector<double> scalars;
  std::vector<double> forward;
  bool is_forward = false;
  const auto loss = [&](std::span<const float> at) {
    std::vector<double> losses =
        by_sample ? task_->losses(at, key) : std::vector{task_->loss(at, key)};
    for (double& value : losses) value *= loss_weight_;
    const double mean = mean_of(losses);
    is_forward = !is_forward;
    if (is_forward) {
      forward = std::move(losses);
    } else {
      const double noise =
          rule.deviation() * secret_normal(*options_.privacy_secret, noise_drawn_++);
      scalars.push_back(rule.clipped(forward, losses, distance) + noise);
    }
    return mean;
  };
  static_cast<void>(votes().probe({options_.self, job.step, job.first_probe, job.count}, loss));
  return {std::move(scalars), votes().last_loss() / loss_weight_};
}

}  // namespace starling::node
