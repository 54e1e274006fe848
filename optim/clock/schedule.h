#pragma once
// Step-size schedules: pure functions of step / steps_total, so that every node agrees on them.

#include "optim/recipe.h"
#include "starling/ids.h"

namespace starling::optim {

/// floor, warmup: fractions in [0, 1].
struct Schedule {
  ScheduleKind kind = ScheduleKind::constant;
  double floor = 0.0;
  double warmup = 0.0;
};

/// The share of the full step size to use at `step` (0 is the first) of `steps_total`; in (0, 1]
/// while step < steps_total, except at a floor of 0.
[[nodiscard]] double schedule_factor(const Schedule& schedule, Step step, Step steps_total);

}  // namespace starling::optim
