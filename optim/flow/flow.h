#pragma once
// How a node's vectors move between events, in continuous time.

#include "optim/part.h"

namespace starling::optim {

/// No rule depends on the flow so far.
struct FlowTraits {};

struct FlowEntry : PartRow {
  FlowTraits (*traits)(const Settings&) = nullptr;
};

[[nodiscard]] const Catalog<FlowEntry>& flows();

}  // namespace starling::optim
