#include "node/runtime/compute_pool.h"

#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

namespace starling::runtime {
namespace {

/// Stands for the network thread: keeps completions until the test runs them.
class Mailbox {
 public:
  ComputePool::Post post() {
    return [this](ComputePool::Completion completion) {
      const std::lock_guard lock(mutex_);
      completions_.push_back(std::move(completion));
    };
  }
  void run_all() {
    for (auto& completion : completions_) completion();
  }
  [[nodiscard]] std::size_t size() const { return completions_.size(); }

 private:
  std::mutex mutex_;
  std::vector<ComputePool::Completion> completions_;
};

TEST(ComputePool, WorksAndCompletesInTheOrderGiven) {
  Mailbox mailbox;
  std::vector<int> worked;
  std::vector<int> completed;
  ComputePool pool(mailbox.post());
  for (int i = 0; i < 100; ++i) {
    pool.run([&, i]() -> ComputePool::Completion {
      worked.push_back(i);
      return [&, i] { completed.push_back(i); };
    });
  }
  pool.finish();
  mailbox.run_all();
  std::vector<int> expected(100);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(worked, expected);
  EXPECT_EQ(completed, expected);
}

TEST(ComputePool, WorksOnAThreadOfItsOwn) {
  Mailbox mailbox;
  std::thread::id worker;
  ComputePool pool(mailbox.post());
  pool.run([&]() -> ComputePool::Completion {
    worker = std::this_thread::get_id();
    return [] {};
  });
  pool.finish();
  EXPECT_NE(worker, std::this_thread::get_id());
}

TEST(ComputePool, CountsWorkUntilItIsCompleted) {
  Mailbox mailbox;
  std::promise<void> gate;
  ComputePool pool(mailbox.post());
  pool.run([&]() -> ComputePool::Completion {
    gate.get_future().wait();
    return [] {};
  });
  pool.run([]() -> ComputePool::Completion { return [] {}; });
  EXPECT_EQ(pool.queue_length(), 2U);
  gate.set_value();
  pool.finish();
  EXPECT_EQ(pool.queue_length(), 0U);
}

TEST(ComputePool, DropsWorkThatHasNotBegunWhenItEnds) {
  Mailbox mailbox;
  std::promise<void> begun;
  std::promise<void> gate;
  bool second_ran = false;
  {
    ComputePool pool(mailbox.post());
    pool.run([&]() -> ComputePool::Completion {
      begun.set_value();
      gate.get_future().wait();
      return [] {};
    });
    pool.run([&]() -> ComputePool::Completion {
      second_ran = true;
      return [] {};
    });
    begun.get_future().wait();
    pool.stop();
    gate.set_value();
  }
  EXPECT_FALSE(second_ran);
  EXPECT_EQ(mailbox.size(), 1U);
}

}  // namespace
}  // namespace starling::runtime
