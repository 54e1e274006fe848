#include "optim/inner/inner_step.h"

#include <algorithm>

#include "optim/clock/schedule.h"

namespace starling::optim {

template <class Scalar>
InnerStep<Scalar>::InnerStep(const InnerRule& rule, std::size_t length, Step steps_total)
    : rule_(rule),
      steps_total_(steps_total),
      momentum_(rule.kind == InnerKind::momentum ? length : 0) {}

template <class Scalar>
void InnerStep<Scalar>::apply(Step step, std::span<const Scalar> direction, std::span<Scalar> x) {
  const Schedule schedule{rule_.schedule, rule_.schedule_floor, rule_.warmup};
  const auto step_size =
      static_cast<Scalar>(rule_.step_size * schedule_factor(schedule, step, steps_total_));
  const auto decay = static_cast<Scalar>(rule_.weight_decay);
  if (rule_.kind != InnerKind::momentum) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] -= step_size * (direction[i] + decay * x[i]);
    return;
  }
  momentum_.resize(x.size());  // it may have been released
  const auto memory = static_cast<Scalar>(rule_.momentum);
  for (std::size_t i = 0; i < x.size(); ++i) {
    momentum_[i] = memory * momentum_[i] + (direction[i] + decay * x[i]);
    x[i] -= step_size * momentum_[i];
  }
}

template <class Scalar>
void InnerStep<Scalar>::restart() {
  std::ranges::fill(momentum_, Scalar{0});
}

template <class Scalar>
bool InnerStep<Scalar>::load(ByteReader& in) {
  const std::size_t length = momentum_.size();
  momentum_ = in.get_all<Scalar>();
  return in.ok() && momentum_.size() == length;
}

template class InnerStep<float>;
template class InnerStep<double>;

}  // namespace starling::optim
