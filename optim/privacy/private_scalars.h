#pragma once
// Scalars that say little about any one sample (DP-ZO, Tang et al. 2024; DPZero, Zhang et al.
// 2024): each sample's difference quotient is clipped, the mean gets Gaussian noise. That is noise
// on one number for each probe, whatever the model's size.

#include <cstdint>
#include <span>

#include "optim/recipe.h"

namespace starling::optim {

/// Whose losses a task tells apart.
enum class LossGrain : std::uint8_t {
  sample,  ///< One loss for each sample of a batch.
  batch    ///< Their mean only.
};

class PrivateScalars {
 public:
  /// samples: in a batch on average; > 0.
  PrivateScalars(const LedgerRecipe& rule, LossGrain grain, double samples);

  /// The scalar of a probe, without noise. forward, backward: losses at its two ends, in the same
  /// order. distance: between the ends, in units of the direction. What is not finite counts 0.
  [[nodiscard]] double clipped(std::span<const double> forward, std::span<const double> backward,
                               double distance) const;

  /// Standard deviation of the noise that each scalar needs. The probes of a step are one release:
  /// its vector moves by at most sqrt(probes) times what a scalar can, in L2.
  [[nodiscard]] double deviation() const { return deviation_; }

 private:
  double clip_;
  double divisor_;  ///< Of the sum of clipped quotients.
  double deviation_;
};

}  // namespace starling::optim
