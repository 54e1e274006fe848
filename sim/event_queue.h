#pragma once
// What is due in virtual time: actions in order of (time, order of scheduling), so that equal times
// never depend on a container's whim.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "starling/instant.h"

namespace starling::sim {

class EventQueue {
 public:
  using Action = std::move_only_function<void()>;

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] bool empty() const { return events_.empty(); }
  /// Time of the next action; the queue is not empty.
  [[nodiscard]] Instant next_at() const { return events_.top().at; }

  /// A time already past counts as now.
  void schedule(Instant at, Action action) {
    events_.push({.at = std::max(at, now_), .order = ++made_, .action = std::move(action)});
  }

  /// Moves time on to the next action and performs it; the queue is not empty.
  void run_next() {
    // The element is gone before anything can compare with it again.
    Event event = std::move(const_cast<Event&>(events_.top()));
    events_.pop();
    now_ = event.at;
    event.action();
  }

 private:
  struct Event {
    Instant at;
    std::uint64_t order = 0;
    Action action;
    friend bool operator<(const Event& a, const Event& b) {
      return std::pair(b.at, b.order) < std::pair(a.at, a.order);  // the earliest on top
    }
  };

  Instant now_;
  std::uint64_t made_ = 0;
  std::priority_queue<Event> events_;
};

}  // namespace starling::sim
