#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "starling/node.h"
#include "tests/unit/node_runtime/temporary_directory.h"

namespace starling {
namespace {

using namespace std::chrono_literals;
using runtime::testing::TemporaryDirectory;

// No test waits so long for an event: it bounds a test that would hang.
constexpr auto patience = 60s;

/// f(x) = |x - target|^2 / 2, which has to be trained by exchange where targets differ.
class Bowl : public Task {
 public:
  explicit Bowl(float target) : target_(target) {}
  [[nodiscard]] std::size_t parameter_count() const override { return 16; }
  [[nodiscard]] double loss(std::span<const float> x, const BatchKey&) override {
    double sum = 0;
    for (const float value : x) sum += 0.5 * (value - target_) * (value - target_);
    return sum;
  }
  [[nodiscard]] bool has_gradient() const override { return true; }
  double gradient(std::span<const float> x, const BatchKey& batch, std::span<float> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = x[i] - target_;
    return loss(x, batch);
  }

 private:
  float target_;
};

class BowlWithoutGradient final : public Bowl {
 public:
  using Bowl::Bowl;
  [[nodiscard]] bool has_gradient() const override { return false; }
};

class ThrowingAtStep final : public Bowl {
 public:
  ThrowingAtStep() : Bowl(0.0F) {}
  double gradient(std::span<const float>, const BatchKey&, std::span<float>) override {
    throw std::runtime_error("the data set is gone");
  }
};

class ThrowingAtStart final : public Bowl {
 public:
  ThrowingAtStart() : Bowl(0.0F) {}
  void initialize(std::span<float>, std::uint64_t) const override {
    throw std::runtime_error("no start");
  }
};

/// A model that something ruins between the last step and the merge, as a fault of memory would.
class RuinedAfterTraining final : public Bowl {
 public:
  RuinedAfterTraining() : Bowl(9.0F) {}
  std::optional<Evaluation> evaluate(std::span<const float> x) override {
    if (!std::exchange(is_ruined_, true)) {
      const_cast<float&>(x[5]) = std::numeric_limits<float>::quiet_NaN();
    }
    return Evaluation{};
  }

 private:
  bool is_ruined_ = false;
};

std::unique_ptr<Task> bowl(float target) {
  return std::make_unique<Bowl>(target);
}

RunOptions quick_run() {
  return {.name = "bowls", .task = "bowl", .recipe = "dsgd", .steps = 200, .interval_scale = 0.1};
}

/// The next event of one kind; nothing if the node ends before it.
template <class T>
std::optional<T> wait_for(Node& node) {
  while (const auto event = node.wait_event(patience)) {
    if (const T* found = std::get_if<T>(&*event)) return *found;
  }
  return std::nullopt;
}

std::string refusal(const Result<Node>& node) {
  return node ? "" : node.error().message;
}

TEST(EmbeddedNode, TwoInOneProgramMergeToTheMeanOfTheirTargets) {
  auto owner = Node::create(quick_run(), bowl(1.0F));
  ASSERT_TRUE(owner.has_value()) << owner.error().message;
  auto guest = Node::join(owner->ticket(), bowl(3.0F));
  ASSERT_TRUE(guest.has_value()) << guest.error().message;
  const auto merged_owner = wait_for<Merged>(*owner);
  const auto merged_guest = wait_for<Merged>(*guest);
  ASSERT_TRUE(merged_owner && merged_guest);
  EXPECT_EQ(merged_owner->manifest.members.size(), 2U);
  EXPECT_EQ(merged_owner->manifest.model, merged_guest->manifest.model);
  EXPECT_EQ(owner->parameters(), guest->parameters());
  ASSERT_EQ(owner->parameters().size(), 16U);
  for (const float x : owner->parameters()) EXPECT_NEAR(x, 2.0F, 1e-3F);
  EXPECT_TRUE(owner->wait().has_value());
  EXPECT_TRUE(guest->wait().has_value());
  EXPECT_EQ(wait_for<Stopped>(*owner)->error, "");
}

TEST(EmbeddedNode, OfParametersOfAnySizeMergesToTheirMean) {
  auto owner = Node::create(quick_run(), bowl(1e6F));
  ASSERT_TRUE(owner.has_value()) << owner.error().message;
  auto guest = Node::join(owner->ticket(), bowl(3e6F));
  ASSERT_TRUE(guest.has_value()) << guest.error().message;
  ASSERT_TRUE(wait_for<Merged>(*owner) && wait_for<Merged>(*guest));
  EXPECT_EQ(owner->parameters(), guest->parameters());
  for (const float x : owner->parameters()) EXPECT_NEAR(x, 2e6F, 1e3F);
  EXPECT_TRUE(owner->wait().has_value());
}

TEST(EmbeddedNode, WhoseModelIsRuinedIsLeftOutOfTheMergeAndSaysSo) {
  RunOptions run = quick_run();
  run.nodes = 3;
  run.evaluate_every = 0;
  auto owner = Node::create(run, bowl(1.0F));
  ASSERT_TRUE(owner.has_value()) << owner.error().message;
  auto guest = Node::join(owner->ticket(), bowl(3.0F));
  auto ruined = Node::join(owner->ticket(), std::make_unique<RuinedAfterTraining>());
  ASSERT_TRUE(guest.has_value() && ruined.has_value());
  const auto excluded = wait_for<Excluded>(*ruined);
  ASSERT_TRUE(excluded);
  EXPECT_NE(excluded->reason.find("parameters[5] is nan"), std::string::npos) << excluded->reason;
  EXPECT_EQ(ruined->status().excluded, excluded->reason);
  const auto merged = wait_for<Merged>(*ruined);
  const auto merged_owner = wait_for<Merged>(*owner);
  ASSERT_TRUE(merged && merged_owner && wait_for<Merged>(*guest));
  EXPECT_EQ(merged_owner->manifest.contributors.size(), 2U);
  EXPECT_EQ(merged_owner->manifest.members.size(), 3U);
  EXPECT_EQ(merged->manifest.model, merged_owner->manifest.model) << "it takes the others' model";
  EXPECT_EQ(ruined->parameters(), owner->parameters());
  EXPECT_EQ(wait_for<Stopped>(*ruined)->error, excluded->reason);
  EXPECT_FALSE(ruined->wait().has_value());
  EXPECT_TRUE(owner->wait().has_value());
}

TEST(EmbeddedNode, JoinsWithADescriptionInsteadOfAskingForIt) {
  auto owner = Node::create(quick_run(), bowl(1.0F));
  ASSERT_TRUE(owner.has_value()) << owner.error().message;
  const auto guest = Node::join(owner->ticket(), bowl(3.0F),
                                {.description = owner->description(), .patience = 0ms});
  ASSERT_TRUE(guest.has_value()) << guest.error().message;
  EXPECT_EQ(guest->description(), owner->description());
}

TEST(EmbeddedNode, GivesUpToJoinWhereNobodyAnswers) {
  std::string ticket;
  {
    auto owner = Node::create(quick_run(), bowl(1.0F));
    ASSERT_TRUE(owner.has_value()) << owner.error().message;
    ticket = owner->ticket();
  }
  const std::string text = refusal(Node::join(ticket, bowl(3.0F), {.patience = 50ms}));
  EXPECT_NE(text.find("no member gave it in time"), std::string::npos) << text;
}

TEST(EmbeddedNode, TrainsATaskWithoutGradientByVotes) {
  RunOptions run = quick_run();
  run.recipe = "votes";
  run.steps = 20;
  auto owner = Node::create(run, std::make_unique<BowlWithoutGradient>(1.0F));
  ASSERT_TRUE(owner.has_value()) << owner.error().message;
  auto guest = Node::join(owner->ticket(), std::make_unique<BowlWithoutGradient>(3.0F));
  ASSERT_TRUE(guest.has_value()) << guest.error().message;
  ASSERT_TRUE(wait_for<Merged>(*owner) && wait_for<Merged>(*guest));
  EXPECT_EQ(owner->parameters(), guest->parameters());
  EXPECT_GT(owner->status().votes, 0U);
}

TEST(EmbeddedNode, AnExceptionOfTheTaskStopsTheNodeWithAnErrorThatNamesTheTask) {
  RunOptions alone = quick_run();
  alone.nodes = 1;
  auto node = Node::create(alone, std::make_unique<ThrowingAtStep>());
  ASSERT_TRUE(node.has_value()) << node.error().message;
  const auto stopped = wait_for<Stopped>(*node);
  ASSERT_TRUE(stopped.has_value());
  EXPECT_EQ(stopped->error, "task 'bowl' threw: the data set is gone");
  EXPECT_EQ(node->wait().error().message, stopped->error);
}

TEST(EmbeddedNode, AnExceptionOfTheTaskAtTheStartIsAnErrorThatNamesTheTask) {
  EXPECT_EQ(refusal(Node::create(quick_run(), std::make_unique<ThrowingAtStart>())),
            "task 'bowl' threw: no start");
}

TEST(EmbeddedNode, EndsWhenItLeaves) {
  auto node = Node::create(quick_run(), bowl(1.0F));
  ASSERT_TRUE(node.has_value()) << node.error().message;
  node->leave();
  EXPECT_TRUE(node->wait().has_value());
  EXPECT_TRUE(wait_for<Stopped>(*node).has_value());
  EXPECT_FALSE(node->wait_event(1h).has_value());
  EXPECT_EQ(node->status().phase, "stopped");
  EXPECT_TRUE(node->parameters().empty());
  node->leave();  // no effect
}

TEST(EmbeddedNode, MergesBeforeTheLastStepOnRequest) {
  RunOptions endless = quick_run();
  endless.steps = 1000000000;
  auto owner = Node::create(endless, bowl(1.0F));
  ASSERT_TRUE(owner.has_value()) << owner.error().message;
  auto guest = Node::join(owner->ticket(), bowl(3.0F));
  ASSERT_TRUE(guest.has_value()) << guest.error().message;
  ASSERT_TRUE(wait_for<StepsDone>(*owner) && wait_for<StepsDone>(*guest));
  owner->request_merge();
  EXPECT_TRUE(wait_for<Merged>(*owner).has_value());
  EXPECT_TRUE(wait_for<Merged>(*guest).has_value());
}

TEST(EmbeddedNode, GoesOnInItsDirectoryAsTheSameNode) {
  const TemporaryDirectory directory;
  const NodeOptions options{.directory = directory.path()};
  NodeId id;
  std::string ticket;
  {
    auto node = Node::create(quick_run(), bowl(1.0F), options);
    ASSERT_TRUE(node.has_value()) << node.error().message;
    id = node->id();
    ticket = node->ticket();
  }
  const auto again = Node::join("", bowl(1.0F), options);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(again->id(), id);
  EXPECT_EQ(again->ticket(), ticket);
}

TEST(EmbeddedNode, RefusesANewRunInADirectoryThatHasOne) {
  const TemporaryDirectory directory;
  const NodeOptions options{.directory = directory.path()};
  ASSERT_TRUE(Node::create(quick_run(), bowl(1.0F), options).has_value());
  EXPECT_NE(refusal(Node::create(quick_run(), bowl(1.0F), options)).find("already has a run"),
            std::string::npos);
}

TEST(EmbeddedNode, RefusesWrongInputInOneLine) {
  RunOptions no_steps = quick_run();
  no_steps.steps = 0;
  RunOptions unknown = quick_run();
  unknown.recipe = "telepathy";
  NodeOptions everywhere{.listen = "0.0.0.0:0"};
  const std::vector<std::pair<std::string, std::string>> seen_and_expected = {
      {refusal(Node::join("starling2nonsense", bowl(1.0F))), "ticket"},
      {refusal(Node::join("", bowl(1.0F))), "no ticket"},
      {refusal(Node::create(quick_run(), nullptr)), "null pointer"},
      {refusal(Node::create(no_steps, bowl(1.0F))), "steps"},
      {refusal(Node::create(unknown, bowl(1.0F))), "telepathy"},
      {refusal(Node::create(quick_run(), bowl(1.0F), everywhere)), "NodeOptions::address"},
      {refusal(Node::create(quick_run(), std::make_unique<BowlWithoutGradient>(1.0F))),
       "needs a gradient"},
  };
  for (const auto& [seen, expected] : seen_and_expected) {
    EXPECT_NE(seen.find(expected), std::string::npos) << "'" << seen << "' lacks " << expected;
    EXPECT_EQ(seen.find('\n'), std::string::npos) << seen;
  }
}

}  // namespace
}  // namespace starling
