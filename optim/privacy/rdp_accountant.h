#pragma once
// What repeated noisy releases of sums over random samples may tell about one sample: Renyi
// differential privacy of the Gaussian mechanism under Poisson sampling.

#include <cstdint>
#include <vector>

namespace starling::optim {

class RdpAccountant {
 public:
  /// sampling_rate: probability with which a sample takes part in a release, above 0 to 1.
  /// noise_multiplier: standard deviation of the noise in units of what one sample moves, in L2;
  /// above 0.
  RdpAccountant(double sampling_rate, double noise_multiplier);

  /// Renyi divergence of `order` (an integer, 2 or more) of one release: Mironov, Talwar and Zhang
  /// 2019, section 3.3, for adding or removing one sample. Releases add up (Mironov 2017, prop. 1).
  [[nodiscard]] double divergence(unsigned order) const;

  /// The epsilon of (epsilon, delta) differential privacy after so many releases, the least over
  /// the orders tried: Canonne, Kamath and Steinke 2020, prop. 12. 0 for no release.
  [[nodiscard]] double epsilon(std::uint64_t releases, double delta) const;

 private:
  struct Order {
    unsigned order = 0;
    double divergence = 0;
  };

  double sampling_rate_;
  double noise_multiplier_;
  std::vector<Order> orders_;
};

}  // namespace starling::optim
