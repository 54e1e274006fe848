#pragma once
// How a node's vectors move between events, in continuous time.

#include "optim/part.h"

namespace starling::optim {

struct FlowTraits {
  double vectors = 0;  ///< That it keeps, in lengths of the model.
};

struct FlowEntry : PartRow {
  FlowTraits (*traits)(const Settings&) = nullptr;
};

[[nodiscard]] const Catalog<FlowEntry>& flows();

}  // namespace starling::optim
