// How fast votes reach the disk, and how fast a ledger is read back; beside it SQLite
// (bench/macro/vote_log_sqlite.py). LEDGER.md asks for 100,000 votes/s.

#include <benchmark/benchmark.h>

#include <filesystem>
#include <string>

#include "node/runtime/record_log.h"
#include "starling/check.h"

namespace starling::runtime {
namespace {

constexpr std::size_t packet_bytes = 170;  // 64 votes and their signature (docs/WIRE.md)
constexpr std::size_t votes_per_packet = 64;
constexpr std::size_t packets_read = 100'000;

std::filesystem::path fresh_path() {
  const auto path = std::filesystem::temp_directory_path() / "starling-bench-votes.log";
  std::filesystem::remove(path);
  return path;
}

void count(benchmark::State& state, std::size_t packets) {
  const auto votes = static_cast<double>(state.iterations()) * static_cast<double>(packets);
  state.counters["records/s"] = benchmark::Counter(votes, benchmark::Counter::kIsRate);
  state.counters["votes/s"] =
      benchmark::Counter(votes * votes_per_packet, benchmark::Counter::kIsRate);
}

void append(benchmark::State& state) {
  const auto path = fresh_path();
  Result<RecordLog> log = RecordLog::open(path);
  const Bytes packet(packet_bytes, 7);
  for (auto _ : state) STARLING_CHECK(log->append(packet));
  count(state, 1);
  std::filesystem::remove(path);
}

void read_back(benchmark::State& state) {
  const auto path = fresh_path();
  Result<RecordLog> log = RecordLog::open(path);
  for (std::size_t i = 0; i < packets_read; ++i) {
    STARLING_CHECK(log->append(Bytes(packet_bytes, static_cast<std::uint8_t>(i))));
  }
  for (auto _ : state) STARLING_CHECK(read_record_log(path)->records.size() == packets_read);
  count(state, packets_read);
  std::filesystem::remove(path);
}

BENCHMARK(append)->UseRealTime();
BENCHMARK(read_back)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace starling::runtime

BENCHMARK_MAIN();
