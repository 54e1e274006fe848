#pragma once
// What a core hears of a bulk message while it is still coming.

#include <cstdint>

#include "protocol/wire/message.h"
#include "starling/ids.h"

namespace starling::node {

/// A part of a bulk message from `peer` has come. Told about once in limits::bulk_progress_interval
/// of a message that takes longer than that. number: as Bulk::number.
struct BulkProgressed {
  NodeId peer;
  protocol::BulkKind kind = protocol::BulkKind::pair_payload;
  std::uint64_t number = 0;
};

}  // namespace starling::node
