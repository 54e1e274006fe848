#pragma once
// Which parts fit together (LEARNING.md section 1.3).

#include <string_view>

#include "optim/recipe.h"
#include "starling/result.h"

namespace starling::optim {

/// Error: the first rule that the recipe breaks, with the reason. `origin` begins the message.
[[nodiscard]] Result<void> check_fit(const Recipe& recipe, std::string_view origin);

}  // namespace starling::optim
