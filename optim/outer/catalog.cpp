#include "optim/outer/outer_step.h"

namespace starling::optim {

extern const OuterEntry adopt_step;
extern const OuterEntry nesterov_step;

const Catalog<OuterEntry>& outer_steps() {
  static constexpr std::array rows{&adopt_step, &nesterov_step};
  static constexpr Catalog<OuterEntry> catalog(
      {.key = "outer", .meaning = "what becomes of the change that mixing asks for"}, rows);
  return catalog;
}

}  // namespace starling::optim
