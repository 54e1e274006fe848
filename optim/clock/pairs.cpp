#include "optim/clock/clock.h"

namespace starling::optim {
namespace {

// Steps that overlap an exchange hide the network's delay; under skewed data each costs consensus,
// for what it moves is mixed one exchange later. The bound on the lead keeps all at one point of
// the schedule: nobody waits for the slowest, and the slowest does not have the last word for its
// own data.
constexpr Field fields[] = {
    count_field("overlap_steps", {0, 1e6}, 0,
                "local steps that may run while an exchange is under way"),
    count_field("lead_steps", {0, 1e6}, 0,
                "how far a step may be from the neighbours' median: ahead of that a node waits, "
                "behind it skips; 0: no bound")};

ClockTraits traits(const Settings& /*settings*/) {
  return {.meeting = MeetingKind::pair};
}

}  // namespace

extern constinit const ClockEntry pairs_clock{
    {.id = 1,
     .name = "pairs",
     .meaning = "H local steps, then an exchange with whichever neighbour is free",
     .source = "AD-PSGD, Lian et al. 2018; SwarmSGD, Nadiradze et al. 2021",
     .fields = fields},
    traits};

}  // namespace starling::optim
