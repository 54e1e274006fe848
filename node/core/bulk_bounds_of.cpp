#include "node/core/bulk_bounds_of.h"

#include "node/core/saved_state.h"
#include "protocol/merge/merge_part.h"
#include "protocol/merge/slice_plan.h"

namespace starling::node {

using protocol::BulkKind;

protocol::BulkBounds bulk_bounds_of(const Config& config) {
  const std::uint64_t values = config.parameter_count;
  const std::uint64_t payload = config.payload_bytes_max;
  const std::uint64_t slice = protocol::SlicePlan(values).values_max();
  const std::uint64_t state = saved_state_bytes_max(values, config.recipe.canonical_text().size());
  protocol::BulkBounds bounds;
  bounds.set(BulkKind::pair_payload, payload);
  bounds.set(BulkKind::round_payload, payload);
  bounds.set(BulkKind::hat_copy, payload);
  bounds.set(BulkKind::merge_part,
             protocol::merge_part_bytes_max(slice, protocol::limits::merge_members_max));
  bounds.set(BulkKind::merged_slice, slice * protocol::merged_value_bytes);
  bounds.set(BulkKind::state, state);
  bounds.set(BulkKind::merge_roster, protocol::limits::merge_roster_bytes_max);
  // A link that comes back sends again whatever the peer lacks, and a joiner may ask meanwhile.
  bounds.queue_bytes_max = protocol::limits::bulk_queue_bytes_min +
                           protocol::limits::edge_payloads_max * payload + state;
  return bounds;
}

}  // namespace starling::node
