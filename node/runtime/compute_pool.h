#pragma once
// The worker of one node: computation off the network thread, one piece after another. Work and
// result are values, so nothing is shared but the queue.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace starling::runtime {

class ComputePool {
 public:
  /// What is to happen with a result, on the network thread.
  using Completion = std::move_only_function<void()>;
  /// Computes, on the worker's thread, and returns what is to happen with the result.
  using Work = std::move_only_function<Completion()>;
  /// Brings a completion to the network thread; called on the worker's thread.
  using Post = std::function<void(Completion)>;

  /// From here on the owner must stop taking input that makes work. Our guess: a node has a handful
  /// of jobs under way, so a longer queue means that peers feed it faster than it computes.
  static constexpr std::size_t queue_length_high = 256;

  /// niceness: 0 to 19, the scheduler's priority of the worker alone.
  explicit ComputePool(Post post, int niceness = 0);
  ComputePool(const ComputePool&) = delete;
  ComputePool& operator=(const ComputePool&) = delete;
  /// Drops work that has not begun, and waits for the one that has.
  ~ComputePool();

  /// Work runs, and completions are posted, in the order of these calls. Thread: any.
  void run(Work work);

  /// Work given and not yet completed. Thread: any.
  [[nodiscard]] std::size_t queue_length() const;

  /// Runs everything given so far and ends the worker. No run() after it.
  void finish();
  /// Drops work that has not begun and returns at once. No run() after it.
  void stop();

 private:
  enum class Ending { none, after_queue, now };
  void begin_end(Ending ending);
  void work_loop(int niceness);

  const Post post_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> queue_;  // the front one is being worked on
  Ending ending_ = Ending::none;
  std::thread worker_;  // last: it uses all of the above
};

}  // namespace starling::runtime
