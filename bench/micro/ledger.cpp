// The ledger's speed beside the memory floor and a PyTorch loop (TARGETS.md). Ends with one JSON
// object; run from the repository's root, because the PyTorch loop is bench/macro/ledger_torch.py.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "optim/ledger/grid.h"
#include "optim/ledger/tile.h"
#include "optim/vote_replica.h"
#include "protocol/wire.h"
#include "starling/rng.h"

namespace starling::optim {
namespace {

constexpr std::uint32_t rows = 8192;  // the recipe's default
constexpr std::size_t votes_per_packet = 64;
constexpr std::size_t naive_votes = 16;  // one pass

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
  std::vector<RowVote> votes(naive_votes);
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

/// The usual table on standard error, and processor time by name, in nanoseconds: one thread works,
/// and other programs must not count.
class Collector : public benchmark::ConsoleReporter {
 public:
  Collector() : ConsoleReporter(OO_Tabular) {
    SetOutputStream(&std::cerr);
    SetErrorStream(&std::cerr);
  }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      nanoseconds[run.benchmark_name()] = run.GetAdjustedCPUTime();
    }
    ConsoleReporter::ReportRuns(runs);
  }

  std::map<std::string, double> nanoseconds;
};

/// What the PyTorch loop measured, or null without python3-torch.
nlohmann::json pytorch_gparam_votes_per_s() {
  std::FILE* pipe = popen("/usr/bin/python3 bench/macro/ledger_torch.py", "r");
  if (pipe == nullptr) return nullptr;
  double measured = 0;
  const bool read = std::fscanf(pipe, "%lf", &measured) == 1;
  return pclose(pipe) == 0 && read ? nlohmann::json(measured) : nlohmann::json();
}

/// A signed packet as it is broadcast, over its votes.
double wire_bytes_per_vote() {
  protocol::SignedAnnouncement packet;
  packet.content = protocol::VotePacket{0, 0, 0, 0, Bytes(votes_per_packet)};
  const std::size_t bytes =
      protocol::encode_announcement(packet).size() + sizeof(crypto::Signature);
  return static_cast<double>(bytes) / votes_per_packet;
}

nlohmann::json summary(std::map<std::string, double>& nanoseconds) {
  constexpr double parameters = 1e7;
  nlohmann::json tiles;
  for (const char* votes : {"1", "100", "1000", "10000"}) {
    tiles[votes] = nanoseconds[std::string("tile/10000000/") + votes] / parameters;
  }
  return {{"kernels", best_kernels().name},
          {"floor_ns_per_param", nanoseconds["floor/10000000"] / parameters},
          {"pytorch_gparam_votes_per_s", pytorch_gparam_votes_per_s()},
          {"naive_gparam_votes_per_s", naive_votes * parameters / nanoseconds["naive/10000000"]},
          {"tile_ns_per_param", tiles},
          {"step_ms_100m_k10000", nanoseconds["tile/100000000/10000"] / 1e6},
          {"step_ms_100m_k10000_with_float_copy", nanoseconds["replica/100000000/10000/1"] / 1e6},
          {"replay_votes_per_s_1m", 1024 * 160 / nanoseconds["replica/1000000/1024/160"] * 1e9},
          {"wire_bytes_per_vote", wire_bytes_per_vote()}};
}

}  // namespace
}  // namespace starling::optim

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  starling::optim::Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);
  std::cout << starling::optim::summary(collector.nanoseconds).dump() << '\n';
}
