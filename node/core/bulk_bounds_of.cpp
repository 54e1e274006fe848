#include "node/core/bulk_bounds_of.h"

#include "node/core/saved_state.h"

namespace starling::node {

namespace {

using protocol::BulkKind;

/// What stands before the values of a slice. Our guess: far more than any form of one has.
constexpr std::uint64_t slice_head_bytes = 64U << 10U;
/// A part of a slice holds sums of at most 9 bytes; the rest is for what its form says of its
/// blocks.
constexpr std::uint64_t slice_bytes_per_value = 12;

}  // namespace

protocol::BulkBounds bulk_bounds_of(const Config& config) {
  const std::uint64_t values = config.parameter_count;
  const std::uint64_t payload = config.payload_bytes_max;
  const std::uint64_t slice =
      values / protocol::limits::merge_slices_max + protocol::limits::merge_slice_bytes_min / 2;
  const std::uint64_t slice_bytes = slice_head_bytes + slice * slice_bytes_per_value;
  const std::uint64_t state = saved_state_bytes_max(values, config.recipe.canonical_text().size());
  protocol::BulkBounds bounds;
  bounds.set(BulkKind::pair_payload, payload);
  bounds.set(BulkKind::round_payload, payload);
  bounds.set(BulkKind::hat_copy, payload);
  bounds.set(BulkKind::merge_part, slice_bytes);
  bounds.set(BulkKind::merged_slice, slice_bytes);
  bounds.set(BulkKind::state, state);
  bounds.set(BulkKind::merge_roster, protocol::limits::merge_roster_bytes_max);
  // A link that comes back sends again whatever the peer lacks, and a joiner may ask meanwhile.
  bounds.queue_bytes_max = protocol::limits::bulk_queue_bytes_min +
                           protocol::limits::edge_payloads_max * payload + state;
  return bounds;
}

}  // namespace starling::node
