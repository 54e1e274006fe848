#pragma once
// A driver on a network thread of its own, for programs that have their own main thread.

#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "node/runtime/driver.h"
#include "node/runtime/event_queue.h"
#include "starling/event.h"
#include "starling/result.h"

namespace starling::runtime {

/// Thread: any, for every call. Destruction leaves the run and waits until the node has ended.
class NodeThread {
 public:
  /// on_event and on_merged_model of `options` are replaced. Error: as Driver::create().
  [[nodiscard]] static Result<std::unique_ptr<NodeThread>> start(DriverOptions options);
  NodeThread(const NodeThread&) = delete;
  NodeThread& operator=(const NodeThread&) = delete;
  ~NodeThread();

  /// As EventQueue::pop().
  [[nodiscard]] std::optional<Event> wait_event(std::chrono::milliseconds patience);
  [[nodiscard]] NodeStatus status() const;
  void request_merge();
  void request_leave();

  /// Empty until Merged is in the queue.
  [[nodiscard]] std::vector<float> merged_parameters() const;
  /// Blocks until the node has ended. Error: as Driver::run().
  [[nodiscard]] Result<void> wait() const;

 private:
  using Outcome = std::promise<Result<void>>;

  NodeThread() = default;
  void run(DriverOptions options, Outcome created);
  void on_event(const Event& event);
  void on_merged_model(std::vector<protocol::SharedBytes> pieces);
  void show_driver(Driver* driver);

  EventQueue events_;
  std::optional<Merged> merged_;  // network thread only; told once the model is there
  Outcome ended_;
  std::shared_future<Result<void>> end_ = ended_.get_future().share();

  mutable std::mutex mutex_;
  Driver* driver_ = nullptr;  // lives in run()
  NodeStatus last_status_;    // of a driver that is no more
  std::vector<protocol::SharedBytes> merged_pieces_;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace starling::runtime
