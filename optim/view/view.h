#pragma once
// Which numbers a method trains of those that the task has.

#include "optim/part.h"

namespace starling::optim {

struct ViewTraits {
  bool is_whole = true;  ///< All of the task's parameters, as they are.
};

struct ViewEntry : PartRow {
  ViewTraits (*traits)(const Settings&) = nullptr;
};

[[nodiscard]] const Catalog<ViewEntry>& views();

}  // namespace starling::optim
