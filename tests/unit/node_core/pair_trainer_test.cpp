#include "node/core/pair_trainer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "node/core/recipe_digest.h"
#include "tests/support/crypto_keys.h"
#include "tests/support/node_config.h"

namespace starling::node {
namespace {

NodeId peer_of(std::uint8_t number) {
  return crypto::node_key(number).id();
}

/// A trainer with three neighbours that have all said hello, and no network.
class PairTrainerTest : public ::testing::Test {
 protected:
  PairTrainerTest() : trainer_(config()) {
    Turn turn(Instant{});
    for (std::uint8_t peer = 2; peer <= 4; ++peer) {
      trainer_.neighbour_up(peer_of(peer), turn);
      trainer_.receive(peer_of(peer), protocol::EdgeHello{.incarnation = peer}, turn);
    }
  }

  static Config config() {
    Config config = testing::node_config(1, *optim::builtin_recipe("gossip"));
    optim::Settings& clock = config.recipe.gossip().clock.settings;
    clock.set("local_steps", 100);  // no exchange in these tests
    clock.set("lead_steps", 6);
    config.steps_total = 1000;
    return config;
  }

  void start_at(Step step) {
    Turn turn(Instant{});
    trainer_.start(step, turn);
    jobs_ = turn.jobs;
  }

  /// All neighbours report `step`; what the trainer wants computed then.
  std::vector<LearnerJob> after_progress(Step step) {
    Turn turn(Instant{});
    for (std::uint8_t peer = 2; peer <= 4; ++peer) {
      trainer_.receive(peer_of(peer), protocol::Progress{step}, turn);
    }
    return turn.jobs;
  }

  PairTrainer trainer_;
  std::vector<LearnerJob> jobs_;
};

TEST_F(PairTrainerTest, WaitsWhenItLeadsTheMedianNeighbourByMoreThanTheRecipeAllows) {
  start_at(7);
  EXPECT_TRUE(jobs_.empty());
  EXPECT_EQ(trainer_.step(), 7U);
  const auto jobs = after_progress(1);
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_EQ(std::get<TrainJob>(jobs[0]).first, 7U);
}

TEST_F(PairTrainerTest, SkipsToTheMedianNeighbourWhenItFallsBehind) {
  start_at(7);
  const auto jobs = after_progress(50);
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_EQ(std::get<TrainJob>(jobs[0]).first, 50U);
}

// Once a swarm stood still: two nodes waited for each other's steps as of their hellos.
TEST_F(PairTrainerTest, TellsItsStepToANeighbourWhoseEdgeOpensLate) {
  start_at(7);
  Turn turn(Instant{});
  trainer_.neighbour_up(peer_of(5), turn);
  trainer_.receive(peer_of(5), protocol::EdgeHello{.incarnation = 5}, turn);
  const auto tells = [](const protocol::Effect& effect) {
    const auto* send = std::get_if<protocol::SendTo>(&effect);
    const auto* told = send ? std::get_if<protocol::Progress>(&send->message) : nullptr;
    return told != nullptr && send->peer == peer_of(5) && told->step == 7;
  };
  EXPECT_TRUE(std::ranges::any_of(turn.effects.items, tells));
}

TEST_F(PairTrainerTest, IsCompleteWhenTheOthersHaveEnded) {
  start_at(7);
  EXPECT_TRUE(after_progress(1000).empty());
  EXPECT_TRUE(trainer_.complete());
}

TEST_F(PairTrainerTest, DropsTheEdgeOfAPeerThatCameBackWithoutItsState) {
  start_at(0);
  Turn turn(Instant{});
  trainer_.receive(peer_of(2), protocol::EdgeHello{.incarnation = 77}, turn);
  const auto dropped = std::ranges::count_if(turn.jobs, [](const LearnerJob& job) {
    const auto* drop = std::get_if<DropEdgeJob>(&job);
    return drop != nullptr && drop->peer == peer_of(2);
  });
  EXPECT_EQ(dropped, 1);
}

std::vector<Step> evaluations_in(const Turn& turn) {
  std::vector<Step> steps;
  for (const LearnerJob& job : turn.jobs) {
    if (const auto* evaluate = std::get_if<EvaluateJob>(&job)) steps.push_back(evaluate->step);
  }
  return steps;
}

/// With four local steps between two exchanges, and neighbours that are as far as we are.
class PairEvaluation : public PairTrainerTest {
 protected:
  PairEvaluation() : exchanging_(exchanging_config()) {
    Turn turn(Instant{});
    for (std::uint8_t peer = 2; peer <= 3; ++peer) {
      exchanging_.neighbour_up(peer_of(peer), turn);
      exchanging_.receive(peer_of(peer), protocol::EdgeHello{.incarnation = peer}, turn);
    }
    exchanging_.start(0, turn);
  }

  static Config exchanging_config() {
    Config config = PairTrainerTest::config();
    optim::Settings& clock = config.recipe.gossip().clock.settings;
    clock.set("local_steps", 4);
    clock.set("lead_steps", 0);
    return config;
  }

  void train_to(Step step, Turn& turn) {
    LearnerResult trained = TrainDone{.next = step, .loss = 1};
    exchanging_.finished(trained, turn);
  }

  /// Peer 2 offers an exchange, and its payload is here before ours is encoded.
  void exchange(Turn& turn) {
    exchanging_.receive(peer_of(2), protocol::ExchangeOffer{.exchange = 9, .step = 4}, turn);
    exchanging_.receive(peer_of(2),
                        protocol::Bulk{.kind = protocol::BulkKind::pair_payload,
                                       .number = 9,
                                       .step = 4,
                                       .degree = 1,
                                       .context = recipe_digest(exchanging_config().recipe),
                                       .data = {}},
                        turn);
    LearnerResult encoded = EncodeDone{};
    exchanging_.finished(encoded, turn);
  }

  PairTrainer exchanging_;
};

TEST_F(PairEvaluation, ComesAfterTheMixThatTheStepsWaitFor) {
  Turn trained(Instant{});
  train_to(2, trained);
  exchanging_.want_evaluation(trained);
  EXPECT_TRUE(evaluations_in(trained).empty());
  Turn mixed(Instant{});
  exchange(mixed);
  const auto mix = std::ranges::find_if(
      mixed.jobs, [](const LearnerJob& job) { return std::holds_alternative<MixJob>(job); });
  ASSERT_NE(mix, mixed.jobs.end());
  ASSERT_NE(mix + 1, mixed.jobs.end());
  ASSERT_TRUE(std::holds_alternative<EvaluateJob>(*(mix + 1)));
  // Two more steps were given out before; the model has them then.
  EXPECT_EQ(std::get<EvaluateJob>(*(mix + 1)).step, 4U);
  EXPECT_FALSE(exchanging_.wants_evaluation());
}

TEST_F(PairEvaluation, TakesPlaceBeforeTheNextOneIfNoExchangeCame) {
  Turn turn(Instant{});
  train_to(2, turn);
  exchanging_.want_evaluation(turn);
  EXPECT_TRUE(evaluations_in(turn).empty());
  exchanging_.want_evaluation(turn);
  EXPECT_EQ(evaluations_in(turn).size(), 1U);
  EXPECT_TRUE(exchanging_.wants_evaluation());
}

TEST_F(PairEvaluation, TakesPlaceAtOnceWhenNobodyIsLeftToExchangeWith) {
  Turn turn(Instant{});
  train_to(2, turn);
  exchanging_.want_evaluation(turn);
  exchanging_.neighbour_down(peer_of(2), turn);
  EXPECT_TRUE(evaluations_in(turn).empty());
  exchanging_.neighbour_down(peer_of(3), turn);
  EXPECT_EQ(evaluations_in(turn).size(), 1U);
}

TEST_F(PairEvaluation, IsDroppedWhenTheModelIsReplaced) {
  Turn turn(Instant{});
  train_to(2, turn);
  exchanging_.want_evaluation(turn);
  exchanging_.drop_evaluation();
  exchange(turn);
  EXPECT_TRUE(evaluations_in(turn).empty());
}

}  // namespace
}  // namespace starling::node
