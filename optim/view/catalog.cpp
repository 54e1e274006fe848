#include "optim/view/view.h"

namespace starling::optim {
namespace {

constexpr ViewEntry whole_view{{.id = 0, .name = "all", .meaning = "all parameters of the task"},
                               [](const Settings& /*settings*/) { return ViewTraits{}; }};

}  // namespace

const Catalog<ViewEntry>& views() {
  static constexpr std::array rows{&whole_view};
  static constexpr Catalog<ViewEntry> catalog(
      {.key = "view", .meaning = "which of the task's parameters are trained"}, rows);
  return catalog;
}

}  // namespace starling::optim
