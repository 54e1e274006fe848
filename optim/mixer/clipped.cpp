#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "optim/mixer/mixer.h"

namespace starling::optim {
namespace {

// x <- x + sum of w_j clip(x_j - x), clip(d) = d min(1, radius / |d|) over the whole vector: a
// neighbour moves nobody further than w_j radius. Both ends clip the same difference by the same
// factor, so the sum over all nodes stays.
template <class Scalar>
class Clipped final : public Mixer<Scalar> {
 public:
  Clipped(const Settings& settings, const typename Mixer<Scalar>::Site& /*site*/)
      : radius_(settings.real("radius")) {}

  void begin(std::size_t neighbours) override { squares_.assign(neighbours, 0.0); }

  void measure(std::span<const Scalar> own, std::span<const Heard<Scalar>> heard) override {
    for (std::size_t j = 0; j < heard.size(); ++j) {
      for (std::size_t i = 0; i < own.size(); ++i) {
        const auto difference = static_cast<double>(heard[j].values[i] - own[i]);
        squares_[j] += difference * difference;
      }
    }
  }

  void mix(std::span<const Scalar> own, std::span<const Heard<Scalar>> heard,
           std::span<Scalar> change) override {
    std::ranges::fill(change, Scalar{0});
    for (std::size_t j = 0; j < heard.size(); ++j) {
      const double norm = std::sqrt(squares_[j]);
      const auto factor = static_cast<Scalar>(norm > radius_ ? radius_ / norm : 1.0);
      add_difference(factor * heard[j].weight, heard[j].values, own, change);
    }
  }

 private:
  double radius_;
  std::vector<double> squares_;  // of each neighbour's distance
};

constexpr Field fields[] = {
    real_field("radius", {std::numeric_limits<double>::min(), 1e9}, 1,
               "distance to a neighbour from which on its pull no longer grows")};

MixerTraits traits(const Settings& /*settings*/) {
  return {.mixes_pairs = true, .mixes_rounds = true, .is_linear = false, .measures = true};
}

}  // namespace

extern constinit const MixerEntry clipped_mixer = make_entry<MixerEntry, Clipped>(
    {.id = 2,
     .name = "clipped",
     .meaning = "each neighbour's difference, cut to a radius: who is far away pulls no harder",
     .source = "ClippedGossip, He, Karimireddy, Jaggi 2022",
     .fields = fields},
    traits);

}  // namespace starling::optim
