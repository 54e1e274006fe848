// The ledger's speed beside the memory floor and a PyTorch loop (TARGETS.md). Ends with one JSON
// object; run from the repository's root, because the PyTorch loop is bench/macro/ledger_torch.py.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "optim/ledger/tile.h"
#include "optim/vote_replica.h"
#include "starling/rng.h"

namespace starling::optim {
namespace {

constexpr std::uint32_t rows = 8192;  // the recipe's default
constexpr std::size_t votes_per_packet = 64;

std::vector<std::int32_t>& grid_of(std::size_t parameters) {
  static std::vector<std::int32_t> grid;  // kept: allocation is no part of any figure
  if (grid.size() != padded_size(parameters)) grid.assign(padded_size(parameters), 1);
  return grid;
}

/// `count` votes of `authors` nodes for each of `steps` steps.
struct Votes {
  Votes(std::size_t count, Step steps) : codes(votes_per_packet) {
    Rng rng(1);
    for (auto& code : codes) code = static_cast<std::uint8_t>(rng.next());
    for (Step step = 0; step < steps; ++step) {
      for (std::size_t at = 0; at < count; at += votes_per_packet) {
        NodeId author;
        author.bytes[0] = static_cast<std::uint8_t>(at / votes_per_packet);
        author.bytes[1] = static_cast<std::uint8_t>(at / votes_per_packet / 256);
        const std::size_t size = std::min(votes_per_packet, count - at);
        spans.push_back({author, step, 0, ByteSpan(codes).first(size)});
      }
    }
  }

  Bytes codes;
  std::vector<VoteSpan> spans;
};

void floor(benchmark::State& state) {
  auto& grid = grid_of(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    for (auto& value : grid) value = wrapping_add(value, 1);
    benchmark::ClobberMemory();
  }
}

void naive(benchmark::State& state) {
  auto& grid = grid_of(static_cast<std::size_t>(state.range(0)));
  Rng rng(1);
  std::vector<RowVote> votes(16);
  for (RowVote& vote : votes) vote = {static_cast<std::uint32_t>(rng.below(rows)), 77};
  for (auto _ : state) best_kernels().add_votes({grid, 0}, {1, 2}, votes);
}

void tile(benchmark::State& state) {
  auto& grid = grid_of(static_cast<std::size_t>(state.range(0)));
  const Votes votes(static_cast<std::size_t>(state.range(1)), 1);
  for (auto _ : state) {
    const std::vector<StepTile> tiles(
        1, sum_votes(votes.spans, {step_keys({}, 0), rows, 1ULL << 40U}));
    sweep_tiles({grid, 0}, tiles, best_kernels());
  }
}

void replica(benchmark::State& state) {
  Recipe recipe;
  const Votes votes(static_cast<std::size_t>(state.range(1)), static_cast<Step>(state.range(2)));
  VoteReplica subject(recipe, {}, std::vector<float>(static_cast<std::size_t>(state.range(0))),
                      1000);
  for (auto _ : state) subject.apply(votes.spans);
}

// parameters, votes a step, steps
BENCHMARK(floor)->Arg(1'000'000)->Arg(10'000'000)->Arg(100'000'000);
BENCHMARK(naive)->Arg(1'000'000)->Arg(10'000'000);
BENCHMARK(tile)->ArgsProduct({{1'000'000, 10'000'000, 100'000'000}, {1, 100, 1'000, 10'000}});
BENCHMARK(replica)->Args({100'000'000, 10'000, 1})->Args({1'000'000, 1'024, 160});

}  // namespace
}  // namespace starling::optim
BENCHMARK_MAIN();
