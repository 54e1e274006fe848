// Models beyond what fitted into one bulk message of 64 MiB.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "starling/node.h"

namespace starling {
namespace {

using namespace std::chrono_literals;

// No test waits so long for an event, or passes so many by: they bound a test that would hang.
constexpr auto patience = 120s;
constexpr int events_max = 3000;

/// f(x) = |x - target|^2 / 2 of as many parameters as wanted.
class Bowl final : public Task {
 public:
  Bowl(std::size_t parameters, float target) : parameters_(parameters), target_(target) {}
  [[nodiscard]] std::size_t parameter_count() const override { return parameters_; }
  [[nodiscard]] double loss(std::span<const float>, const BatchKey&) override { return 1; }
  [[nodiscard]] bool has_gradient() const override { return true; }
  double gradient(std::span<const float> x, const BatchKey&, std::span<float> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = x[i] - target_;
    return 1;
  }

 private:
  std::size_t parameters_;
  float target_;
};

template <class T>
std::optional<T> wait_for(Node& node) {
  for (int i = 0; i < events_max; ++i) {
    const auto event = node.wait_event(patience);
    if (!event) break;
    if (const T* found = std::get_if<T>(&*event)) return *found;
  }
  return std::nullopt;
}

bool wait_for_step(Node& node, Step step) {
  while (const auto done = wait_for<StepsDone>(node)) {
    if (done->step >= step) return true;
  }
  return false;
}

/// The state has 68 MB.
TEST(LargeModel, AJoinerTakesAStateAboveSixtyFourMebibytes) {
  constexpr std::size_t parameters = 17'000'000;
  const NodeOptions quiet{.uses_lan = false, .maps_port = false};
  const RunOptions run{.recipe = "gossip",
                       .steps = 100'000,
                       .nodes = 2,
                       .evaluate_every = 0,
                       .checkpoint_every = 0,
                       .interval_scale = 0.1};
  auto first = Node::create(run, std::make_unique<Bowl>(parameters, 1.0F), quiet);
  ASSERT_TRUE(first) << first.error().message;
  auto second = Node::join(first->ticket(), std::make_unique<Bowl>(parameters, 2.0F), quiet);
  ASSERT_TRUE(second) << second.error().message;
  ASSERT_TRUE(wait_for_step(*first, 25));
  auto joiner = Node::join(first->ticket(), std::make_unique<Bowl>(parameters, 3.0F), quiet);
  ASSERT_TRUE(joiner) << joiner.error().message;
  const auto caught_up = wait_for<CaughtUp>(*joiner);
  ASSERT_TRUE(caught_up);
  EXPECT_GE(caught_up->step, 20U);
  EXPECT_TRUE(wait_for<Exchanged>(*joiner));
  EXPECT_TRUE(joiner->status().rejected.empty());
  EXPECT_TRUE(first->status().rejected.empty());
}

TEST(LargeModel, ThatDoesNotFitTheMachineIsRefusedBeforeAnythingIsTaken) {
  const auto node =
      Node::create({.recipe = "gossip"}, std::make_unique<Bowl>(std::size_t{1} << 45U, 1.0F), {});
  ASSERT_FALSE(node);
  EXPECT_EQ(node.error().kind, ErrorKind::invalid_input);
  EXPECT_NE(node.error().message.find("35184372088832 parameters under recipe 'gossip' need"),
            std::string::npos)
      << node.error().message;
}

}  // namespace
}  // namespace starling
