#include "node/core/merge_policy.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace starling::node {

namespace {

/// Of the nodes waited for, so many are named: enough to see which machines they are.
constexpr std::size_t missing_named_max = 8;

std::uint64_t present_in(const Roll& roll) {
  return roll.present().size() + 1;
}

std::uint64_t seen_in(const Roll& roll) {
  return roll.seen().size() + 1;
}

}  // namespace

std::uint64_t MergePolicy::needed(const Roll& roll) const {
  return static_cast<std::uint64_t>(options_.quorum * static_cast<double>(seen_in(roll))) + 1;
}

bool MergePolicy::has_quorum(const Roll& roll) const {
  return present_in(roll) >= needed(roll);
}

bool MergePolicy::is_due(const Roll& roll, Instant not_before, bool is_settled, Instant now) {
  if (!roll.all_finished() || (!has_quorum(roll) && !options_.accepts_partial)) {
    reset();
    return false;
  }
  told_.reset();
  if (ready_since_ == Instant::never()) ready_since_ = now;
  const Duration turn =
      std::distance(roll.present().begin(), roll.present().lower_bound(options_.self)) *
      options_.turn_time;
  if (propose_at_ == Instant::never()) {
    propose_at_ = std::max({not_before, not_before_, now}) + turn;
  }
  if (present_in(roll) < seen_in(roll)) {
    const Instant settled =
        std::min(roll.changed_at() + options_.settle_time, ready_since_ + options_.settle_time_max);
    propose_at_ = std::max(propose_at_, settled + turn);
  }
  unsettled_until_ = is_settled ? Instant{} : ready_since_ + options_.settle_time_max;
  return next_deadline() <= now;
}

std::optional<QuorumMissing> MergePolicy::take_missing(const Roll& roll, Instant not_before,
                                                       Instant now) {
  if (!roll.all_finished() || has_quorum(roll) || options_.accepts_partial) return std::nullopt;
  if (now < not_before) {
    propose_at_ = not_before;  // to be asked again
    return std::nullopt;
  }
  const std::pair state{present_in(roll), seen_in(roll)};
  if (std::exchange(told_, state) == state) return std::nullopt;
  QuorumMissing missing{
      .present = state.first, .needed = needed(roll), .nodes_seen = state.second, .missing = {}};
  for (const NodeId& node : roll.seen()) {
    if (missing.missing.size() == missing_named_max) break;
    if (!roll.present().contains(node)) missing.missing.push_back(node);
  }
  return missing;
}

}  // namespace starling::node
