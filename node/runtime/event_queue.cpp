#include "node/runtime/event_queue.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace starling::runtime {
namespace {

// The clock counts in 64 bits of nanoseconds: a longer wait could overflow it.
constexpr std::chrono::milliseconds patience_max = std::chrono::hours(24);

bool only_informs(const Event& event) {
  return !std::holds_alternative<Merged>(event) && !std::holds_alternative<Stopped>(event);
}

}  // namespace

void EventQueue::push(Event event) {
  {
    const std::lock_guard lock(mutex_);
    if (events_.size() == length_max) {
      // A node merges once and stops once, so there is always one to drop.
      events_.erase(std::ranges::find_if(events_, only_informs));
    }
    has_stopped_ = has_stopped_ || std::holds_alternative<Stopped>(event);
    events_.push_back(std::move(event));
  }
  changed_.notify_all();  // all who wait have to see the end
}

std::optional<Event> EventQueue::pop(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::min(patience, patience_max),
                    [this] { return !events_.empty() || has_stopped_; });
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

}  // namespace starling::runtime
