// What a replica pays for the digest of a cut and for its own rebuild (docs/LEDGER.md, Divergence),
// beside the hash alone.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "crypto/digest.h"
#include "node/core/learner.h"
#include "tests/support/crypto_keys.h"

namespace starling::node {
namespace {

/// Ten steps are above a cut when it is taken: the margin of 8, and 2 by which voters run ahead.
constexpr Step steps_above = 10;
constexpr std::uint64_t authors = 8;

/// Parameters and nothing else.
class EmptyTask final : public Task {
 public:
  explicit EmptyTask(std::size_t parameters) : parameters_(parameters) {}
  [[nodiscard]] std::size_t parameter_count() const override { return parameters_; }
  [[nodiscard]] double loss(std::span<const float>, const BatchKey&) override { return 0; }

 private:
  std::size_t parameters_;
};

Learner learner_of(std::size_t parameters) {
  return *Learner::create({.recipe = *optim::builtin_recipe("votes"),
                           .run = crypto::run_of(1),
                           .self = crypto::node_key(1).id(),
                           .steps_total = 1000},
                          std::make_unique<EmptyTask>(parameters));
}

std::vector<VoteBatch> newer_votes() {
  std::vector<VoteBatch> votes;
  for (Step step = 0; step < steps_above; ++step) {
    for (std::uint8_t author = 1; author <= authors; ++author) {
      votes.push_back({.author = crypto::node_key(author).id(),
                       .step = step,
                       .first_probe = 0,
                       .codes = Bytes(16, 80)});
    }
  }
  return votes;
}

void digest_a_cut(benchmark::State& state) {
  Learner learner = learner_of(static_cast<std::size_t>(state.range(0)));
  const std::vector<VoteBatch> votes = newer_votes();
  static_cast<void>(learner.run(ApplyVotesJob{votes}));
  for (auto _ : state) benchmark::DoNotOptimize(learner.run(CutDigestJob{steps_above, votes}));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(digest_a_cut)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMillisecond);

/// The reference: BLAKE2b over as many bytes.
void hash_alone(benchmark::State& state) {
  const Bytes bytes(static_cast<std::size_t>(state.range(0)) * 4);
  for (auto _ : state) benchmark::DoNotOptimize(crypto::digest_of(bytes));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(hash_alone)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace starling::node

BENCHMARK_MAIN();
