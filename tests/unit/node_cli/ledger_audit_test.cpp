// A ledger written by three authors, one of whom makes its votes up.

#include "node/cli/ledger_audit.h"

#include <gtest/gtest.h>

#include <map>

#include "model/tasks.h"
#include "node/core/learner.h"
#include "node/seat.h"
#include "starling/rng.h"
#include "tests/support/crypto_keys.h"

namespace starling::cli {
namespace {

constexpr std::uint32_t authors = 3;
constexpr std::uint32_t liar = 2;
constexpr Step steps = 40;
constexpr std::uint32_t votes_per_packet = 16;

NodeId author_of(std::uint32_t number) {
  return crypto::node_key(static_cast<std::uint8_t>(number + 1)).id();
}

RunDescription description() {
  RunDescription run;
  run.task = "clusters-softmax";
  run.recipe = *optim::builtin_recipe("votes");
  run.steps = steps;
  run.seed = 5;
  return run;
}

std::unique_ptr<Task> task_of(std::uint32_t author) {
  model::TaskOptions options;
  options.shard = {.rule = {}, .node_count = authors, .seed = description().seed};
  options.node_index = author;
  return std::move(*model::make_task(description().task, options));
}

node::Learner learner_of(std::uint32_t author) {
  const RunDescription run = description();
  return std::move(*node::Learner::create({.recipe = run.recipe,
                                           .run = crypto::run_of(1),
                                           .self = author_of(author),
                                           .steps_total = run.steps,
                                           .model_seed = run.seed,
                                           .data_seed = data_seed(run.seed, author_of(author))},
                                          task_of(author)));
}

/// Each author votes on a replica that lacks the other authors' votes of the newest step.
LedgerDirectory cast_ledger() {
  LedgerDirectory ledger;
  ledger.invitation.run = description();
  ledger.invitation.ticket.run = crypto::run_of(1);
  std::vector<node::Learner> learners;
  for (std::uint32_t i = 0; i < authors; ++i) learners.push_back(learner_of(i));
  const auto start = learners[0].run(node::SaveStateJob{});
  ledger.base = *node::decode_saved_state(std::get<node::SaveStateDone>(start).state);
  Rng rng(3);
  for (Step step = 0; step < steps; ++step) {
    node::ApplyVotesJob all;
    for (std::uint32_t i = 0; i < authors; ++i) {
      auto probed = learners[i].run(node::ProbeJob{step, 0, votes_per_packet});
      Bytes codes = std::move(std::get<node::ProbeDone>(probed).codes);
      if (i == liar) {
        for (std::uint8_t& code : codes) code = static_cast<std::uint8_t>(rng.next());
      }
      ledger.packets.push_back({author_of(i), {step, step, step, 0, codes}});
      all.batches.push_back({author_of(i), step, 0, codes});
    }
    for (node::Learner& learner : learners) static_cast<void>(learner.run(all));
  }
  return ledger;
}

TEST(LedgerAudit, FlagsTheAuthorWhoseVotesItsDataDoesNotGive) {
  const LedgerDirectory ledger = cast_ledger();
  EXPECT_EQ(authors_of(ledger).size(), authors);
  for (std::uint32_t i = 0; i < authors; ++i) {
    const auto result = audit(ledger, author_of(i), task_of(i), {.packets = 10});
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->packets, 10U);
    EXPECT_EQ(result->votes, 10 * votes_per_packet);
    EXPECT_EQ(result->is_flagged(), i == liar) << i;
    if (i == liar) {
      EXPECT_LT(std::abs(result->correlation), 0.3);
      EXPECT_NEAR(result->sign_agreement, 0.5, 0.15);
    } else {
      EXPECT_GT(result->correlation, 0.9);
      EXPECT_GT(result->sign_agreement, 0.9);
    }
  }
}

TEST(LedgerAudit, FlagsVotesThatWereMadeWithAnotherAuthorsData) {
  const auto result = audit(cast_ledger(), author_of(0), task_of(1), {.packets = 10});
  ASSERT_TRUE(result);
  EXPECT_LT(result->correlation, 0.9);  // honest ones are above: the samples are others
}

TEST(LedgerAudit, RefusesATaskOfAnotherModel) {
  const LedgerDirectory ledger = cast_ledger();
  auto other = model::make_task("clusters", {});
  EXPECT_FALSE(audit(ledger, author_of(0), std::move(*other), {}));
}

}  // namespace
}  // namespace starling::cli
