// The ledger's speed beside the memory floor and a PyTorch loop (TARGETS.md). Ends with one JSON
// object, or under --full with the table of docs/LEDGER.md. Run from the repository's root, because
// the PyTorch loop is bench/macro/ledger_torch.py.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "bench/support/collector.h"
#include "node/runtime/worker_team.h"
#include "optim/ledger/grid.h"
#include "optim/ledger/tile.h"
#include "optim/vote_replica.h"
#include "starling/rng.h"
#include "tests/support/vote_packet_cost.h"

namespace starling::optim {
namespace {

constexpr std::uint32_t rows = 8192;  // the recipe's default
constexpr std::size_t votes_per_packet = 64;
constexpr std::size_t naive_votes = 16;  // one pass
constexpr std::array sizes{1'000'000, 10'000'000, 100'000'000};
constexpr std::array counts{1, 100, 10'000};

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
  std::vector<RowVote> votes(static_cast<std::size_t>(state.range(1)));
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
  const Votes votes(static_cast<std::size_t>(state.range(1)), static_cast<Step>(state.range(2)));
  VoteReplica subject({}, {}, std::vector<float>(static_cast<std::size_t>(state.range(0))), 1000);
  for (auto _ : state) subject.apply(votes.spans);
}

/// In elapsed time, which alone tells what threads gain.
void step_on_threads(benchmark::State& state) {
  const Votes votes(10'000, 1);
  VoteReplica subject({}, {}, std::vector<float>(100'000'000), 1000);
  runtime::WorkerTeam team(static_cast<std::size_t>(state.range(0)));
  subject.compute_with(
      {.parallel_for = [&team](std::size_t count, const auto& work) { team.run(count, work); }});
  for (auto _ : state) subject.apply(votes.spans);
}

// parameters, votes a step, steps
BENCHMARK(floor)->Arg(1'000'000)->Arg(10'000'000)->Arg(100'000'000);
BENCHMARK(naive)->Args({1'000'000, naive_votes})->Args({10'000'000, naive_votes});
BENCHMARK(tile)->ArgsProduct({{1'000'000, 10'000'000, 100'000'000}, {1, 100, 1'000, 10'000}});
BENCHMARK(replica)->Args({100'000'000, 10'000, 1})->Args({1'000'000, 1'024, 160});
BENCHMARK(step_on_threads)->Arg(1)->Arg(2)->UseRealTime();

/// What the PyTorch loop measured, or null without python3-torch.
nlohmann::json pytorch_gparam_votes_per_s(int parameters) {
  const std::string command =
      "/usr/bin/python3 bench/macro/ledger_torch.py " + std::to_string(parameters);
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return nullptr;
  double measured = 0;
  const bool read = std::fscanf(pipe, "%lf", &measured) == 1;
  return pclose(pipe) == 0 && read ? nlohmann::json(measured) : nlohmann::json();
}

/// Bytes a vote: of a signed packet, and on each socket that its broadcast passes.
nlohmann::json wire_bytes_per_vote_on_a_socket() {
  nlohmann::json costs;
  for (const std::size_t votes : {16U, 64U, 128U, 256U}) {
    const protocol::Gossip gossip{.hops = 1, .body = testing::signed_packet_of(votes)};
    costs[std::to_string(votes)] =
        static_cast<double>(testing::frame_bytes_of(gossip)) / static_cast<double>(votes);
  }
  return costs;
}

using Times = std::map<std::string, double>;

nlohmann::json summary(Times& nanoseconds) {
  constexpr double parameters = 1e7;
  nlohmann::json tiles;
  for (const char* votes : {"1", "100", "1000", "10000"}) {
    tiles[votes] = nanoseconds[std::string("tile/10000000/") + votes] / parameters;
  }
  return {
      {"kernels", best_kernels().name},
      {"floor_ns_per_param", nanoseconds["floor/10000000"] / parameters},
      {"pytorch_gparam_votes_per_s", pytorch_gparam_votes_per_s(10'000'000)},
      {"naive_gparam_votes_per_s", naive_votes * parameters / nanoseconds["naive/10000000/16"]},
      {"tile_ns_per_param", tiles},
      {"step_ms_100m_k10000", nanoseconds["replica/100000000/10000/1"] / 1e6},
      {"step_ms_100m_k10000_elapsed_by_threads",
       {{"1", nanoseconds["step_on_threads/1/real_time"] / 1e6},
        {"2", nanoseconds["step_on_threads/2/real_time"] / 1e6}}},
      {"replay_votes_per_s_1m", 1024 * 160 / nanoseconds["replica/1000000/1024/160"] * 1e9},
      {"wire_bytes_per_vote",
       static_cast<double>(testing::signed_packet_of(votes_per_packet).size()) / votes_per_packet},
      {"wire_bytes_per_vote_on_a_socket", wire_bytes_per_vote_on_a_socket()}};
}

void register_the_rest_of_the_table() {
  for (const int parameters : sizes) {
    for (const int votes : counts) {
      benchmark::RegisterBenchmark("naive", naive)->Args({parameters, votes})->Iterations(1);
    }
  }
}

/// Milliseconds for k votes. The PyTorch loop is linear in k: one vote is measured, times k.
void print_table(Times& nanoseconds) {
  std::cout << "| d | k | floor ms | tile ms | tile ns/param | naive ms | PyTorch ms | "
               "naive : PyTorch | tile : floor |\n|---|---|---|---|---|---|---|---|---|\n";
  for (const int parameters : sizes) {
    const std::string d = std::to_string(parameters);
    const double torch_ns = parameters / pytorch_gparam_votes_per_s(parameters).get<double>();
    const double floor_ns = nanoseconds["floor/" + d];
    for (const int votes : counts) {
      const std::string place = d + "/" + std::to_string(votes);
      const double tile_ns = nanoseconds["tile/" + place];
      const double naive_ns = nanoseconds["naive/" + place + "/iterations:1"];
      std::printf("| %d M | %d | %.3g | %.3g | %.3g | %.3g | %.3g | %.0f | %.2f |\n",
                  parameters / 1'000'000, votes, floor_ns / 1e6, tile_ns / 1e6,
                  tile_ns / parameters, naive_ns / 1e6, torch_ns * votes / 1e6,
                  torch_ns * votes / naive_ns, tile_ns / floor_ns);
    }
  }
}

}  // namespace
}  // namespace starling::optim

int main(int argc, char** argv) {
  using namespace starling::optim;
  benchmark::Initialize(&argc, argv);
  const bool is_full = argc > 1 && std::string_view(argv[1]) == "--full";
  if (is_full) register_the_rest_of_the_table();
  starling::bench::Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);
  if (is_full) {
    print_table(collector.nanoseconds);
  } else {
    std::cout << summary(collector.nanoseconds).dump() << '\n';
  }
}
