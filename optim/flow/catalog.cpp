#include "optim/flow/flow.h"

namespace starling::optim {
namespace {

constexpr FlowEntry no_flow{
    {.id = 0, .name = "none", .meaning = "vectors change at steps and exchanges only"},
    [](const Settings& /*settings*/) { return FlowTraits{}; }};

}  // namespace

const Catalog<FlowEntry>& flows() {
  static constexpr std::array rows{&no_flow};
  static constexpr Catalog<FlowEntry> catalog(
      {.key = "flow", .meaning = "how vectors move between events, in continuous time"}, rows);
  return catalog;
}

}  // namespace starling::optim
