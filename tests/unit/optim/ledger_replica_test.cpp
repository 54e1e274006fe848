#include "optim/vote_replica.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <thread>
#include <vector>

#include "optim/ledger/grid.h"
#include "optim/ledger/vote_code.h"
#include "optim/vote_sender.h"
#include "tests/unit/optim/ledger_support.h"

namespace starling::optim {
namespace {

constexpr std::size_t parameter_count = 7850;  // softmax on 28 x 28 pixels, 10 classes
constexpr Step steps_total = 100;

Recipe vote_recipe() {
  Recipe recipe;
  recipe.method = LedgerRecipe();
  recipe.ledger().step_size = 1.0;
  recipe.ledger().schedule = ScheduleKind::cosine;
  return recipe;
}

std::vector<float> start() {
  Rng rng(1);
  std::vector<float> parameters(parameter_count);
  for (float& value : parameters) value = static_cast<float>(rng.normal());
  return parameters;
}

VoteReplica new_replica() {
  return {vote_recipe(), test::id_of<RunId>(1), start(), steps_total};
}

struct Packet {
  NodeId author;
  Step step;
  std::uint32_t first_probe;
  Bytes codes;
};

/// 200 packets of up to 16 random codes from ten authors in ten steps, no vote twice.
std::vector<Packet> random_packets() {
  Rng rng(2);
  std::vector<Packet> packets;
  for (std::uint32_t i = 0; i < 200; ++i) {
    Packet packet{test::id_of<NodeId>(i % 10), rng.below(10), i * 16, Bytes(1 + rng.below(16))};
    for (auto& code : packet.codes) code = static_cast<VoteCode>(rng.next());
    packets.push_back(std::move(packet));
  }
  return packets;
}

std::vector<VoteSpan> spans_of(const std::vector<Packet>& packets) {
  std::vector<VoteSpan> spans;
  for (const Packet& packet : packets) {
    spans.push_back({packet.author, packet.step, packet.first_probe, packet.codes});
  }
  return spans;
}

TEST(VoteReplica, IsTheSameInAHundredArrivalOrdersAndGroupings) {
  auto packets = random_packets();
  VoteReplica reference = new_replica();
  reference.apply(spans_of(packets));
  Rng rng(3);
  for (int order = 0; order < 100; ++order) {
    rng.shuffle(std::span(packets));
    const auto spans = spans_of(packets);
    VoteReplica replica = new_replica();
    for (std::size_t at = 0; at < spans.size();) {
      const std::size_t size = std::min<std::size_t>(1 + rng.below(50), spans.size() - at);
      replica.apply(std::span(spans).subspan(at, size));
      at += size;
    }
    ASSERT_TRUE(std::ranges::equal(replica.grid(), reference.grid())) << "order " << order;
  }
}

TEST(VoteReplica, HoldsTheBytesEveryBuildMustHold) {
  VoteReplica replica = new_replica();
  replica.apply(spans_of(random_packets()));
  EXPECT_EQ(test::fingerprint(replica.grid()), 17457734853643368709U);
}

/// The replica after `packets`, by the definition.
std::vector<std::int32_t> sum_by_definition(const LedgerRecipe& rule, const Movement& movement,
                                            const std::vector<Packet>& packets) {
  std::vector<std::int32_t> expected(parameter_count);
  to_grid(start(), expected);
  const StepTable table(rule, movement.active_count(), steps_total);
  for (const Packet& packet : packets) {
    const StepKeys keys = step_keys(test::id_of<RunId>(1), packet.step);
    const AuthorStream author(keys, packet.author, rule.directions);
    for (std::uint32_t i = 0; i < packet.codes.size(); ++i) {
      const std::uint32_t probe = packet.first_probe + i;
      const std::uint32_t step =
          vote_step(packet.codes[i], table.unit_step(packet.step), author.rounding_bits(probe));
      for (const Stretch& stretch : movement.stretches(movement.part(packet.step))) {
        add_vote_naive(keys.signs, {author.row(probe, movement.rows()), step}, stretch, expected);
      }
    }
  }
  return expected;
}

TEST(VoteReplica, EqualsTheDefinitionVoteByVote) {
  const auto packets = random_packets();
  const LedgerRecipe rule = vote_recipe().ledger();
  VoteReplica replica = new_replica();
  replica.apply(spans_of(packets));
  EXPECT_TRUE(std::ranges::equal(
      replica.grid(), sum_by_definition(rule, Movement(rule, parameter_count), packets)));
}

/// Weights of two layers: the first frozen, the second moved by quarters.
Movement second_layer(LedgerRecipe& rule) {
  rule.directions = Directions::shared;
  rule.parts = 4;
  rule.segment_factors = "first=0, second=2";
  const std::vector<Segment> segments{{"first", 0, {3000}}, {"second", 3000, {4850}}};
  return Movement::create(rule, parameter_count, segments).value();
}

TEST(VoteReplica, EqualsTheDefinitionWhereStepsMoveAPartOfTheModel) {
  const auto packets = random_packets();
  LedgerRecipe rule = vote_recipe().ledger();
  const Movement movement = second_layer(rule);
  VoteReplica replica({rule, test::id_of<RunId>(1), steps_total}, movement, start());
  replica.apply(spans_of(packets));
  const auto expected = sum_by_definition(rule, movement, packets);
  EXPECT_TRUE(std::ranges::equal(replica.grid(), expected));
}

TEST(VoteReplica, ProbesOnlyWhatTheStepMoves) {
  LedgerRecipe rule = vote_recipe().ledger();
  const Movement movement = second_layer(rule);
  VoteReplica replica({rule, test::id_of<RunId>(1), steps_total}, movement, start());
  replica.apply(spans_of(random_packets()));
  const std::vector<float> before(replica.parameters().begin(), replica.parameters().end());
  constexpr Step step = 6;
  std::vector<int> moved(parameter_count);
  const auto loss = [&](std::span<const float> at) {
    for (std::size_t i = 0; i < at.size(); ++i) moved[i] += at[i] != before[i] ? 1 : 0;
    return 0.0;
  };
  static_cast<void>(replica.probe({test::id_of<NodeId>(1), step, 0, 2}, loss));
  std::vector<int> expected(parameter_count);
  for (const Stretch& stretch : movement.stretches(movement.part(step))) {
    for (std::size_t k = 0; k < stretch.length; ++k) expected[stretch.offset + k] = 4;
  }
  EXPECT_EQ(moved, expected);
}

TEST(VoteReplica, ProbeLeavesTheModelExactlyAsItWas) {
  VoteReplica replica = new_replica();
  const std::vector<std::int32_t> grid(replica.grid().begin(), replica.grid().end());
  const std::vector<float> parameters(replica.parameters().begin(), replica.parameters().end());
  const auto loss = [](std::span<const float> at) { return double{at[0]} * at[1]; };
  static_cast<void>(replica.probe({test::id_of<NodeId>(1), 3, 0, 5}, loss));
  EXPECT_TRUE(std::ranges::equal(replica.grid(), grid));
  EXPECT_TRUE(std::ranges::equal(replica.parameters(), parameters));
}

TEST(VoteReplica, ProbeOfALinearLossVotesItsDerivativeAlongTheDirection) {
  VoteReplica replica = new_replica();
  const NodeId self = test::id_of<NodeId>(4);
  const auto loss = [](std::span<const float> at) { return 0.25 * at[700]; };
  const std::vector<double> scalars = replica.probe({self, 9, 2, 50}, loss);
  const StepKeys keys = step_keys(test::id_of<RunId>(1), 9);
  for (std::uint32_t i = 0; i < scalars.size(); ++i) {
    std::vector<std::int32_t> direction(parameter_count);
    const std::uint32_t row =
        AuthorStream(keys, self, Directions::own).row(2 + i, vote_recipe().ledger().hadamard_rows);
    add_vote_naive(keys.signs, {row, 0U - 1U}, direction);
    EXPECT_NEAR(scalars[i], 0.25 * direction[700], 1e-3);  // float parameters
  }
}

/// Two threads, one of which takes the pieces from the back.
void on_two_threads(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::thread other([&] {
    for (std::size_t i = count; i-- > count / 2;) work(i);
  });
  for (std::size_t i = 0; i < count / 2; ++i) work(i);
  other.join();
}

TEST(VoteReplica, GivesTheSameOnSeveralThreads) {
  const std::vector<float> large((std::size_t{3} << 18U) + 100, 0.25F);  // four pieces
  VoteReplica alone(vote_recipe(), test::id_of<RunId>(1), large, steps_total);
  VoteReplica spread(vote_recipe(), test::id_of<RunId>(1), large, steps_total);
  spread.compute_with({.parallel_for = on_two_threads});
  const auto packets = random_packets();
  alone.apply(spans_of(packets));
  spread.apply(spans_of(packets));
  EXPECT_TRUE(std::ranges::equal(alone.grid(), spread.grid()));
  const auto loss = [](std::span<const float> at) {
    return std::accumulate(at.begin(), at.end(), 0.0);
  };
  const NodeId self = test::id_of<NodeId>(1);
  EXPECT_EQ(alone.probe({self, 3, 0, 2}, loss), spread.probe({self, 3, 0, 2}, loss));
}

/// All parameters alike; and only a part of them, with directions of length 2.
std::vector<VoteReplica> replicas_of_every_movement() {
  std::vector<VoteReplica> replicas;
  replicas.push_back(new_replica());
  LedgerRecipe rule = vote_recipe().ledger();
  const Movement movement = second_layer(rule);
  replicas.emplace_back(VoteRun{rule, test::id_of<RunId>(1), steps_total}, movement, start());
  return replicas;
}

TEST(VoteReplica, ProjectsAGradientOnTheDirectionsOfItsProbes) {
  const ProbeRange probes{test::id_of<NodeId>(4), 9, 2, 20};
  const std::vector<float> gradient = start();
  for (const VoteReplica& replica : replicas_of_every_movement()) {
    const std::vector<double> scalars = replica.project(probes, gradient);
    std::vector<float> direction(parameter_count);
    for (std::uint32_t i = 0; i < scalars.size(); ++i) {
      replica.write_direction(probes, i, direction);
      const double product =
          std::inner_product(gradient.begin(), gradient.end(), direction.begin(), 0.0);
      EXPECT_NEAR(scalars[i], product, 1e-4);  // the product is summed in another order
    }
  }
}

TEST(VoteReplica, ProjectionIsWhatDifferenceQuotientsMeasure) {
  const ProbeRange probes{test::id_of<NodeId>(4), 9, 2, 20};
  const std::vector<float> gradient = start();
  const auto linear_loss = [&](std::span<const float> at) {
    return std::inner_product(gradient.begin(), gradient.end(), at.begin(), 0.0);
  };
  auto replicas = replicas_of_every_movement();
  for (VoteReplica& replica : replicas) {
    const std::vector<double> quotients = replica.probe(probes, linear_loss);
    const std::vector<double> scalars = replica.project(probes, gradient);
    for (std::size_t i = 0; i < scalars.size(); ++i) EXPECT_NEAR(quotients[i], scalars[i], 0.05);
  }
}

TEST(VoteReplica, ProjectionContainsTheWeightDecayThatProbesMeasure) {
  LedgerRecipe rule = vote_recipe().ledger();
  rule.weight_decay = 0.5;
  const Movement movement(rule, parameter_count);
  VoteReplica replica({rule, test::id_of<RunId>(1), steps_total}, movement, start());
  const ProbeRange probes{test::id_of<NodeId>(4), 9, 2, 20};
  const auto no_loss = [](std::span<const float>) { return 0.0; };
  const std::vector<double> quotients = replica.probe(probes, no_loss);
  const std::vector<double> scalars = replica.project(probes, std::vector<float>(parameter_count));
  for (std::size_t i = 0; i < scalars.size(); ++i) EXPECT_NEAR(quotients[i], scalars[i], 0.1);
  EXPECT_NE(scalars[0], 0.0);
}

TEST(VoteSender, MarksALossThatIsNotFinite) {
  VoteReplica replica = new_replica();
  const auto loss = [](std::span<const float>) { return std::nan(""); };
  const VoteSender sender(vote_recipe().ledger());
  EXPECT_EQ(sender.encode(replica.probe({test::id_of<NodeId>(1), 0, 0, 2}, loss)),
            (Bytes{vote_not_finite, vote_not_finite}));
}

TEST(VoteSender, CountsScalarsInTheRecipesUnit) {
  LedgerRecipe rule;
  rule.scale = 0.125;
  EXPECT_EQ(VoteSender(rule).encode(std::vector{0.5, -0.125, 0.0}),
            (Bytes{encode_vote(4), encode_vote(-1), vote_zero}));
}

TEST(VoteReplica, GoesOnFromTheGridOfAnother) {
  const auto packets = random_packets();
  const auto spans = spans_of(packets);
  VoteReplica straight = new_replica();
  straight.apply(spans);
  VoteReplica first = new_replica();
  first.apply(std::span(spans).first(70));
  VoteReplica second = new_replica();
  second.set_grid(first.grid());
  second.apply(std::span(spans).subspan(70));
  EXPECT_TRUE(std::ranges::equal(second.grid(), straight.grid()));
  EXPECT_TRUE(std::ranges::equal(second.parameters(), straight.parameters()));
}

TEST(VoteReplica, VotesTheWeightDecayAsPartOfTheLoss) {
  constexpr std::uint32_t d = 64;
  const LedgerRecipe rule{.probes = d, .step_size = 1, .weight_decay = 0.01};
  VoteReplica replica({rule, test::id_of<RunId>(1), steps_total}, Movement(rule, d),
                      std::vector<float>(d, 1.0F));
  const auto no_loss = [](std::span<const float>) { return 0.0; };
  constexpr Step steps = 50;
  for (Step step = 0; step < steps; ++step) {
    const auto scalars = replica.probe({NodeId{}, step, 0, d}, no_loss);
    const Bytes codes = VoteSender(rule).encode(scalars);
    const VoteSpan votes{NodeId{}, step, 0, codes};
    replica.apply(std::span(&votes, 1));
  }
  // All rows of a step are the gradient exactly, but for the bytes' rounding.
  const double expected = std::pow(1 - rule.weight_decay, steps);
  double mean = 0;
  for (const float value : replica.parameters()) mean += value / d;
  EXPECT_NEAR(mean, expected, 0.02);
  EXPECT_EQ(replica.last_loss(), 0);
}

TEST(VoteReplica, TrainsTheLedgerOfSeveralNodesDownAQuadratic) {
  constexpr std::size_t d = 64;
  Recipe recipe = vote_recipe();
  recipe.ledger().schedule = ScheduleKind::constant;
  recipe.ledger().step_size = 0.5;
  const auto loss = [](std::span<const float> at) {
    double sum = 0;
    for (const float value : at) sum += 0.5 * double{value} * value;
    return sum;
  };
  VoteReplica replica(recipe, test::id_of<RunId>(1), std::vector<float>(d, 1.0F), steps_total);
  const double before = loss(replica.parameters());
  for (Step step = 0; step < 60; ++step) {
    std::vector<Packet> packets;
    for (std::uint64_t node = 0; node < 4; ++node) {
      const auto self = test::id_of<NodeId>(node);
      const auto scalars = replica.probe({self, step, 0, 8}, loss);
      packets.push_back({self, step, 0, VoteSender(recipe.ledger()).encode(scalars)});
    }
    replica.apply(spans_of(packets));
  }
  EXPECT_LT(loss(replica.parameters()), 1e-4 * before);
}

}  // namespace
}  // namespace starling::optim
