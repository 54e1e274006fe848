#pragma once
// Events on their way from the network thread to an owner who takes them in their own time.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>

#include "starling/event.h"

namespace starling::runtime {

/// Bounded: the oldest event that only informs makes room for the newest. Thread: any.
class EventQueue {
 public:
  // Our guess: minutes of a small swarm's events, and less than a megabyte.
  static constexpr std::size_t length_max = 1024;

  /// Stopped is the last event: after it pop() no longer waits.
  void push(Event event);

  /// Nothing if no event came within `patience`, or if the queue is empty and Stopped was pushed.
  [[nodiscard]] std::optional<Event> pop(std::chrono::milliseconds patience);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Event> events_;
  bool has_stopped_ = false;
};

}  // namespace starling::runtime
