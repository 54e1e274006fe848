#include "optim/clock/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace starling::optim {

double schedule_factor(const Schedule& schedule, Step step, Step steps_total) {
  const auto total = static_cast<double>(std::max<Step>(steps_total, 1));
  const double rise_steps = schedule.warmup * total;
  const auto at = static_cast<double>(step);
  if (at < rise_steps) return std::min(1.0, (at + 1.0) / rise_steps);
  const double fall_steps = std::max(total - rise_steps, 1.0);
  const double progress = std::min(1.0, (at - rise_steps) / fall_steps);
  switch (schedule.kind) {
    case ScheduleKind::linear:
      return schedule.floor + (1.0 - schedule.floor) * (1.0 - progress);
    case ScheduleKind::cosine:
      return schedule.floor +
             (1.0 - schedule.floor) * 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
    case ScheduleKind::constant:
      break;
  }
  return 1.0;
}

double step_size_at(const Settings& inner, Step step, Step steps_total) {
  const Schedule schedule{.kind = static_cast<ScheduleKind>(inner.choice("schedule")),
                          .floor = inner.real("schedule_floor"),
                          .warmup = inner.real("warmup")};
  return inner.real("step_size") * schedule_factor(schedule, step, steps_total);
}

}  // namespace starling::optim
