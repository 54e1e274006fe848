#include "optim/mixer/mixer.h"

namespace starling::optim {

extern const MixerEntry pair_mixer;
extern const MixerEntry metropolis_mixer;
extern const MixerEntry clipped_mixer;

const Catalog<MixerEntry>& mixers() {
  static constexpr std::array rows{&pair_mixer, &metropolis_mixer, &clipped_mixer};
  static constexpr Catalog<MixerEntry> catalog(
      {.key = "mixer", .meaning = "how a node combines its vector with its neighbours'"}, rows);
  return catalog;
}

}  // namespace starling::optim
