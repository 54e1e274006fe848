#include "optim/clock/clock.h"

namespace starling::optim {

extern const ClockEntry pairs_clock;
extern const ClockEntry rounds_clock;

const Catalog<ClockEntry>& clocks() {
  static constexpr std::array rows{&pairs_clock, &rounds_clock};
  static constexpr Field shared[] = {
      count_field("local_steps", {1, 1e6}, 1, "H, steps between exchanges")};
  static constexpr Catalog<ClockEntry> catalog({.key = "clock",
                                                .meaning = "when a node exchanges",
                                                .form = AxisForm::flat,
                                                .shared_fields = shared},
                                               rows);
  return catalog;
}

}  // namespace starling::optim
