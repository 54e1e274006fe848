#include "optim/clock/clock.h"

namespace starling::optim {
namespace {

ClockTraits traits(const Settings& /*settings*/) {
  return {.meeting = MeetingKind::round};
}

}  // namespace

extern constinit const ClockEntry rounds_clock{
    {.id = 0,
     .name = "rounds",
     .meaning = "H local steps, then an exchange with all neighbours, in step",
     .source = "D-PSGD, Lian et al. 2017"},
    traits};

}  // namespace starling::optim
