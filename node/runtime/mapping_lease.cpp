#include "node/runtime/mapping_lease.h"

#include <algorithm>
#include <chrono>

namespace starling::runtime {

std::vector<MappingNews> MappingLease::granted(const std::string& address, Duration lease,
                                               Instant now) {
  std::vector<MappingNews> news;
  const bool is_another = !held_ || held_->address != address;
  if (held_ && is_another) news.push_back({held_->address, false});
  if (is_another) news.push_back({address, true});
  held_ = Held{address, now + lease};
  // A router that grants a second is not to be asked twice a second.
  ask_at_ = now + std::max<Duration>(lease / 2, retry_pause_held);
  return news;
}

std::vector<MappingNews> MappingLease::refused(Instant now) {
  std::vector<MappingNews> news;
  if (held_ && held_->expires <= now) news = moved(now);
  ask_at_ = now + (held_ ? retry_pause_held : retry_pause_);
  if (!held_) retry_pause_ = std::min(2 * retry_pause_, retry_pause_max);
  return news;
}

std::vector<MappingNews> MappingLease::moved(Instant now) {
  std::vector<MappingNews> news;
  if (held_) news.push_back({held_->address, false});
  held_.reset();
  retry_pause_ = retry_pause_first;
  ask_at_ = now;
  return news;
}

}  // namespace starling::runtime
