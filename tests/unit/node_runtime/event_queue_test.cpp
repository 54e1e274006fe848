#include "node/runtime/event_queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <variant>

namespace starling::runtime {
namespace {

using namespace std::chrono_literals;

TEST(EventQueue, GivesEventsInTheirOrder) {
  EventQueue queue;
  queue.push(StepsDone{.step = 1});
  queue.push(StepsDone{.step = 2});
  EXPECT_EQ(std::get<StepsDone>(*queue.pop(0ms)).step, 1U);
  EXPECT_EQ(std::get<StepsDone>(*queue.pop(0ms)).step, 2U);
  EXPECT_FALSE(queue.pop(0ms).has_value());
}

TEST(EventQueue, DropsTheOldestThatOnlyInformsWhenItIsFull) {
  EventQueue queue;
  queue.push(Merged{});
  for (Step step = 0; step < 2 * EventQueue::length_max; ++step) queue.push(StepsDone{step, 0});
  EXPECT_TRUE(std::holds_alternative<Merged>(*queue.pop(0ms)));
  EXPECT_EQ(std::get<StepsDone>(*queue.pop(0ms)).step, EventQueue::length_max + 1);
  std::size_t remaining = 0;
  while (queue.pop(0ms)) ++remaining;
  EXPECT_EQ(remaining, EventQueue::length_max - 2);
}

TEST(EventQueue, DoesNotWaitAfterStopped) {
  EventQueue queue;
  queue.push(Stopped{"why"});
  EXPECT_EQ(std::get<Stopped>(*queue.pop(1h)).error, "why");
  EXPECT_FALSE(queue.pop(1h).has_value());
}

}  // namespace
}  // namespace starling::runtime
