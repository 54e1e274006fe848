#include "optim/clock/schedule.h"
#include "optim/inner/inner_step.h"

namespace starling::optim {

extern const InnerEntry sgd_step;
extern const InnerEntry momentum_step;
extern const InnerEntry adamw_step;

const Catalog<InnerEntry>& inner_steps() {
  static constexpr std::array rows{&sgd_step, &momentum_step, &adamw_step};
  static constexpr Field shared[] = {
      real_field("step_size", {0, 1000}, 0.1, "how far a step goes along its direction"),
      choice_field("schedule", schedule_names, "how the step size falls over the run"),
      real_field("schedule_floor", {0, 1}, 0, "its share at the last step"),
      real_field("warmup", {0, 1}, 0, "share of the run with a linear rise")};
  static constexpr Catalog<InnerEntry> catalog(
      {.key = "inner",
       .meaning = "what a node does with a gradient on its own",
       .shared_fields = shared},
      rows);
  return catalog;
}

}  // namespace starling::optim
