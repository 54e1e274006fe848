#pragma once
// The field that inner steps with weight decay share.

#include "optim/part.h"

namespace starling::optim {

inline constexpr Field weight_decay_field =
    real_field("weight_decay", {0, 1}, 0, "adds weight_decay x to the gradient");

}  // namespace starling::optim
