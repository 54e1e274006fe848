#include "node/runtime/compute_pool.h"

#include <utility>

#include "node/runtime/platform.h"
#include "starling/check.h"

namespace starling::runtime {

ComputePool::ComputePool(Post post, int niceness)
    : post_(std::move(post)), worker_([this, niceness] { work_loop(niceness); }) {}

ComputePool::~ComputePool() {
  stop();
  if (worker_.joinable()) worker_.join();
}

void ComputePool::finish() {
  begin_end(Ending::after_queue);
  worker_.join();
}

void ComputePool::stop() {
  begin_end(Ending::now);
}

void ComputePool::run(Work work) {
  {
    const std::lock_guard lock(mutex_);
    STARLING_CHECK(ending_ == Ending::none);
    queue_.push_back(std::move(work));
  }
  changed_.notify_one();
}

std::size_t ComputePool::queue_length() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void ComputePool::begin_end(Ending ending) {
  {
    const std::lock_guard lock(mutex_);
    ending_ = ending;
  }
  changed_.notify_one();
}

void ComputePool::work_loop(int niceness) {
  if (niceness != 0) set_thread_niceness(niceness);
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return !queue_.empty() || ending_ != Ending::none; });
    if (queue_.empty() || ending_ == Ending::now) return;
    Work work = std::move(queue_.front());
    lock.unlock();
    post_(work());
    lock.lock();
    queue_.pop_front();
  }
}

}  // namespace starling::runtime
