#include "optim/ledger/step_table.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "optim/ledger/vote_code.h"

namespace starling::optim {
namespace {

/// unit_step's for one parameter unit.
constexpr double fixed_point = 0x1.0p24 * (std::uint64_t{1} << unit_step_fraction_bits);
/// A scalar of 1 then moves a parameter by 1/4, and the top level, 128, by a quarter of the range.
constexpr double unit_step_max = 0x1.0p56;

/// (1 + cos(pi x)) / 2 = 1 - sin^2(pi x / 2) for x in [0, 1]; Taylor's series to 1e-13, because
/// libraries differ in the last bit of cos.
double half_cosine(double x) {
  const double angle = x * (std::numbers::pi / 2);
  double term = angle;
  double sine = angle;
  for (int n = 2; n <= 20; n += 2) {
    term *= -angle * angle / (n * (n + 1));
    sine += term;
  }
  return 1 - sine * sine;
}

/// The share of step_size in force at `progress` in [0, 1].
double schedule_share(const LedgerRecipe& rule, double progress) {
  const double floor = rule.schedule_floor;
  switch (rule.schedule) {
    case ScheduleKind::constant:
      return 1;
    case ScheduleKind::linear:
      return floor + (1 - floor) * (1 - progress);
    case ScheduleKind::cosine:
      return floor + (1 - floor) * half_cosine(progress);
  }
  return 1;
}

}  // namespace

StepTable::StepTable(const LedgerRecipe& rule, double active_count, Step steps_total)
    : rule_(rule),
      first_(rule.step_size * rule.scale * fixed_point / active_count),
      steps_total_(std::max<Step>(steps_total, 1)) {}

std::uint64_t StepTable::unit_step(Step step) const {
  const double progress =
      static_cast<double>(std::min(step, steps_total_)) / static_cast<double>(steps_total_);
  const double exact = first_ * schedule_share(rule_, progress);
  return static_cast<std::uint64_t>(std::clamp(std::nearbyint(exact), 0.0, unit_step_max));
}

}  // namespace starling::optim
