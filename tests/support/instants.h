#pragma once
// Instants of a test's own clock, which begins at zero.

#include "starling/instant.h"

namespace starling::testing {

[[nodiscard]] inline Instant at(Duration since_start) {
  return {since_start};
}

}  // namespace starling::testing
