#include "node/core/merge_policy.h"

#include <algorithm>
#include <iterator>

namespace starling::node {

bool MergePolicy::is_due(const Roll& roll, Instant not_before, Instant now) {
  if (!roll.all_finished()) {
    propose_at_ = Instant::never();
    return false;
  }
  if (propose_at_ == Instant::never()) {
    const auto before_us = std::distance(roll.present().begin(), roll.present().lower_bound(self_));
    propose_at_ = std::max({not_before, not_before_, now}) + before_us * turn_time_;
  }
  return propose_at_ <= now;
}

}  // namespace starling::node
