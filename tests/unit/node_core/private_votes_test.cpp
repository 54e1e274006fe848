// Votes under clip and noise, from the task's losses to the packet's bytes.

#include <gtest/gtest.h>

#include <cmath>
#include <span>

#include "node/core/learner.h"
#include "node/core/vote_privacy.h"
#include "optim/ledger/vote_code.h"
#include "tests/support/crypto_keys.h"
#include "tests/support/node_config.h"

namespace starling::node {
namespace {

/// f(x) = slope * sum of x over eight parameters, for each of 100 samples, or their mean only.
class LinearTask final : public Task {
 public:
  LinearTask(double slope, bool by_sample) : slope_(slope), by_sample_(by_sample) {}

  [[nodiscard]] std::size_t parameter_count() const override { return 8; }
  [[nodiscard]] std::uint64_t sample_count() const override { return 100; }
  [[nodiscard]] double loss(std::span<const float> parameters, const BatchKey& batch) override {
    EXPECT_FALSE(batch.is_poisson);
    return value(parameters);
  }
  [[nodiscard]] bool has_losses() const override { return by_sample_; }
  [[nodiscard]] std::vector<double> losses(std::span<const float> parameters,
                                           const BatchKey& batch) override {
    EXPECT_TRUE(batch.is_poisson);
    EXPECT_NE(batch.seed, 5U) << "the batch's seed is known to all";
    return std::vector<double>(batch.size, value(parameters));
  }

 private:
  [[nodiscard]] double value(std::span<const float> parameters) const {
    double sum = 0;
    for (const float parameter : parameters) sum += parameter;
    return slope_ * sum;
  }

  double slope_;
  bool by_sample_;
};

struct Setting {
  double clip = 0;
  double noise = 0;
  bool by_sample = true;
  std::uint8_t secret = 1;
};

Learner learner_of(const Setting& setting) {
  optim::Recipe recipe = *optim::builtin_recipe("votes");
  recipe.batch = 20;
  recipe.ledger().probes = 64;
  recipe.ledger().hadamard_rows = 8;
  recipe.ledger().clip = setting.clip;
  recipe.ledger().noise = setting.noise;
  std::array<std::uint8_t, 32> secret{setting.secret};
  return *Learner::create({.recipe = recipe,
                           .run = crypto::run_of(1),
                           .self = crypto::node_key(1).id(),
                           .steps_total = 10,
                           .model_seed = 1,
                           .data_seed = 5,
                           .privacy_secret = crypto::Secret<32>(secret)},
                          std::make_unique<LinearTask>(10, setting.by_sample));
}

Bytes codes_of(Learner& learner, Step step) {
  const LearnerResult result = learner.run(ProbeJob{.step = step, .first_probe = 0, .count = 64});
  return std::get<ProbeDone>(result).codes;
}

/// Root mean square of the decoded scalars.
double size_of(const Bytes& codes) {
  double squares = 0;
  for (const std::uint8_t code : codes) {
    if ((code & 0x7fU) == 0) continue;
    const double scalar = std::exp2(-14 + ((code & 0x7fU) - 1) / 6.0);
    squares += scalar * scalar;
  }
  return std::sqrt(squares / static_cast<double>(codes.size()));
}

TEST(PrivateVotes, AreClippedToTheBound) {
  Learner learner = learner_of({.clip = 0.5});
  for (const std::uint8_t code : codes_of(learner, 0)) {
    EXPECT_TRUE((code & 0x7fU) == 0 || (code & 0x7fU) <= 85U - 6U) << int{code};  // 79: 1/2
  }
}

// The noise is 5 * 0.5 * sqrt(64) / 20 = 1 on scalars that are 0 or clipped to 0.5.
TEST(PrivateVotes, CarryNoiseOfTheStatedSize) {
  Learner quiet = learner_of({.clip = 0.5});
  Learner loud = learner_of({.clip = 0.5, .noise = 5});
  double quiet_squares = 0;
  double loud_squares = 0;
  for (Step step = 0; step < 40; ++step) {
    quiet_squares += std::pow(size_of(codes_of(quiet, step)), 2) / 40;
    loud_squares += std::pow(size_of(codes_of(loud, step)), 2) / 40;
  }
  EXPECT_NEAR(std::sqrt(loud_squares - quiet_squares), 5 * 0.5 * 8 / 20, 0.06);
}

TEST(PrivateVotes, NeedALouderNoiseWhereOnlyTheMeanLossIsKnown) {
  Learner learner = learner_of({.clip = 0.5, .noise = 1, .by_sample = false});
  EXPECT_EQ(learner.sampling_rate(), 1);
  double squares = 0;
  for (Step step = 0; step < 40; ++step) squares += std::pow(size_of(codes_of(learner, step)), 2);
  EXPECT_NEAR(std::sqrt(squares / 40), 2 * 0.5 * 8, 0.6);
}

TEST(PrivateVotes, DifferFromProcessToProcess) {
  Learner first = learner_of({.clip = 0.5, .noise = 5, .secret = 1});
  Learner again = learner_of({.clip = 0.5, .noise = 5, .secret = 1});
  Learner other = learner_of({.clip = 0.5, .noise = 5, .secret = 2});
  const Bytes codes = codes_of(first, 0);
  EXPECT_EQ(codes, codes_of(again, 0));
  EXPECT_NE(codes, codes_of(other, 0));
}

TEST(PrivateVotes, AreDrawnAtTheRateOfTheBatch) {
  EXPECT_DOUBLE_EQ(learner_of({.clip = 1, .noise = 1}).sampling_rate(), 0.2);
}

// --- The account ---

Config private_config(double epsilon_max) {
  Config config = testing::node_config(1, *optim::builtin_recipe("votes"));
  config.recipe.ledger().clip = 1;
  config.recipe.ledger().noise = 4;
  config.recipe.ledger().epsilon_max = epsilon_max;
  config.sampling_rate = 0.01;
  return config;
}

TEST(VotePrivacy, CountsEveryPacketAsOneRelease) {
  const Config config = private_config(0);
  const VotePrivacy privacy(config);
  EXPECT_EQ(privacy.status(0)->epsilon, 0);
  EXPECT_NEAR(privacy.status(10'000)->epsilon, 1.04, 0.005);  // C15
  EXPECT_FALSE(privacy.is_spent(1'000'000));
}

TEST(VotePrivacy, IsSpentBeforeThePacketThatWouldPassTheBound) {
  const Config config = private_config(1.04);
  const VotePrivacy privacy(config);
  std::uint64_t packets = 0;
  while (!privacy.is_spent(packets)) ++packets;
  EXPECT_LE(privacy.status(packets)->epsilon, 1.04);
  EXPECT_GT(privacy.status(packets + 1)->epsilon, 1.04);
}

TEST(VotePrivacy, HasNoAccountWithoutNoise) {
  Config config = private_config(0);
  config.recipe.ledger().noise = 0;
  EXPECT_FALSE(VotePrivacy(config).status(100));
}

}  // namespace
}  // namespace starling::node
