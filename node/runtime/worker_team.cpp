#include "node/runtime/worker_team.h"

#include "node/runtime/platform.h"

namespace starling::runtime {

WorkerTeam::WorkerTeam(std::size_t size, int niceness) {
  for (std::size_t i = 1; i < size; ++i) {
    helpers_.emplace_back([this, niceness] { work_loop(niceness); });
  }
}

WorkerTeam::~WorkerTeam() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& helper : helpers_) helper.join();
}

void WorkerTeam::run(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::unique_lock lock(mutex_);
  work_ = &work;
  count_ = count;
  next_ = 0;
  if (count > 1) changed_.notify_all();
  take_turns(lock);
  changed_.wait(lock, [this] { return working_ == 0; });
}

void WorkerTeam::work_loop(int niceness) {
  if (niceness != 0) set_thread_niceness(niceness);
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return next_ < count_ || ending_; });
    if (ending_) return;
    take_turns(lock);
  }
}

/// Works until nobody has anything left to take.
void WorkerTeam::take_turns(std::unique_lock<std::mutex>& lock) {
  while (next_ < count_) {
    const std::size_t taken = next_++;
    ++working_;
    lock.unlock();
    (*work_)(taken);
    lock.lock();
    --working_;
  }
  if (working_ == 0) changed_.notify_all();
}

}  // namespace starling::runtime
