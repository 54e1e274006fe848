#pragma once
// Threads that help one computation at a time: a ParallelFor for those who have cores to give.

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace starling::runtime {

class WorkerTeam {
 public:
  /// size: threads that work, the caller's included, >= 1. niceness: as ComputePool's.
  explicit WorkerTeam(std::size_t size, int niceness = 0);
  WorkerTeam(const WorkerTeam&) = delete;
  WorkerTeam& operator=(const WorkerTeam&) = delete;
  ~WorkerTeam();

  /// As ParallelFor; `work` must not throw. Thread: one caller at a time.
  void run(std::size_t count, const std::function<void(std::size_t)>& work);

 private:
  void work_loop(int niceness);
  void take_turns(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void(std::size_t)>* work_ = nullptr;
  std::size_t count_ = 0;    ///< Of the present run().
  std::size_t next_ = 0;     ///< The first index that nobody has taken.
  std::size_t working_ = 0;  ///< Indices taken and not finished.
  bool ending_ = false;
  std::vector<std::thread> helpers_;  // last: they use all of the above
};

}  // namespace starling::runtime
