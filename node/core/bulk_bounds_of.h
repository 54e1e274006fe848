#pragma once
// How large the bulk messages of a run can be, from what its nodes know of it.

#include "node/core/config.h"
#include "protocol/link/bulk_bounds.h"

namespace starling::node {

/// Uses recipe, parameter_count and payload_bytes_max.
[[nodiscard]] protocol::BulkBounds bulk_bounds_of(const Config& config);

}  // namespace starling::node
