#pragma once
// Step-size schedules: pure functions of step / steps_total, so that every node agrees on them.

#include <array>
#include <cstdint>
#include <string_view>

#include "optim/part.h"
#include "starling/ids.h"

namespace starling::optim {

enum class ScheduleKind : std::uint8_t { constant, linear, cosine };

/// In the order of ScheduleKind.
inline constexpr std::array<std::string_view, 3> schedule_names{"constant", "linear", "cosine"};

/// floor, warmup: fractions in [0, 1].
struct Schedule {
  ScheduleKind kind = ScheduleKind::constant;
  double floor = 0.0;
  double warmup = 0.0;
};

/// The share of the full step size to use at `step` (0 is the first) of `steps_total`; in (0, 1]
/// while step < steps_total, except at a floor of 0.
[[nodiscard]] double schedule_factor(const Schedule& schedule, Step step, Step steps_total);

/// The step size of an inner step with these settings (the fields that all inner steps share).
[[nodiscard]] double step_size_at(const Settings& inner, Step step, Step steps_total);

}  // namespace starling::optim
