// The linear mixers: sum of w_j (x_j - x). They differ in where the weights come from.

#include <algorithm>

#include "optim/mixer/mixer.h"

namespace starling::optim {
namespace {

template <class Scalar>
class Linear final : public Mixer<Scalar> {
 public:
  Linear(const Settings& /*settings*/, const typename Mixer<Scalar>::Site& /*site*/) {}

  void mix(std::span<const Scalar> own, std::span<const Heard<Scalar>> heard,
           std::span<Scalar> change) override {
    const Heard<Scalar>& first = heard.front();
    std::ranges::transform(first.values, own, change.begin(), [&](Scalar theirs, Scalar ours) {
      return first.weight * (theirs - ours);
    });
    for (const Heard<Scalar>& other : heard.subspan(1)) {
      add_difference(other.weight, other.values, own, change);
    }
  }
};

MixerTraits pair_traits(const Settings& /*settings*/) {
  return {.mixes_pairs = true};
}

MixerTraits metropolis_traits(const Settings& /*settings*/) {
  return {.mixes_rounds = true};
}

}  // namespace

extern constinit const MixerEntry pair_mixer =
    make_entry<MixerEntry, Linear>({.id = 1,
                                    .name = "pair",
                                    .meaning = "both ends go to the mean of the two",
                                    .source = "Boyd et al. 2006"},
                                   pair_traits);

extern constinit const MixerEntry metropolis_mixer = make_entry<MixerEntry, Linear>(
    {.id = 0,
     .name = "metropolis",
     .meaning = "the mean of all neighbours, by weights that are doubly stochastic on every graph",
     .source = "Xiao, Boyd, Lall 2006"},
    metropolis_traits);

}  // namespace starling::optim
