// NodeCore::handle on small messages, the path of everything that arrives. TARGETS.md: at least 1
// M/s per core; there is no published reference, so a bare visit of the same input stands beside
// it.

#include "node/core/node_core.h"

#include <benchmark/benchmark.h>

#include <chrono>

#include "node/core/model_form.h"
#include "optim/recipe.h"
#include "tests/support/crypto_keys.h"
#include "tests/support/node_config.h"

namespace starling::node {
namespace {

using namespace std::chrono_literals;

/// A node that trains, with one neighbour.
class Bench {
 public:
  Bench() : core_(config()) {
    peer_ = crypto::node_key(2).id();
    static_cast<void>(core_.start(now_, {}, {}));
    deliver(PeerConnected{.peer = {peer_, "127.0.0.1:2"}, .dialled_by_us = false});
    deliver(MessageReceived{peer_, form_of(config())});
    deliver(MessageReceived{peer_, protocol::Join{{peer_, "127.0.0.1:2"}}});
  }

  std::size_t deliver(Input input) {
    now_ = now_ + 1us;
    return core_.handle(std::move(input), now_).size();
  }
  [[nodiscard]] const NodeId& peer() const { return peer_; }

 private:
  static Config config() {
    Config config = testing::node_config(1, *optim::builtin_recipe("gossip"));
    config.parameter_count = 1000;
    config.steps_total = 1'000'000;
    return config;
  }

  NodeCore core_;
  NodeId peer_;
  Instant now_{1s};
};

void handle_ping(benchmark::State& state) {
  Bench bench;
  std::uint64_t nonce = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(bench.deliver(MessageReceived{bench.peer(), protocol::Ping{++nonce}}));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(handle_ping);

void handle_progress(benchmark::State& state) {
  Bench bench;
  Step step = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        bench.deliver(MessageReceived{bench.peer(), protocol::Progress{++step}}));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(handle_progress);

/// The reference: the same inputs made and visited, without a node.
void visit_only(benchmark::State& state) {
  const NodeId peer = crypto::node_key(2).id();
  std::uint64_t nonce = 0;
  for (auto _ : state) {
    Input input = MessageReceived{peer, protocol::Ping{++nonce}};
    benchmark::DoNotOptimize(std::visit([](auto& kind) { return sizeof(kind); }, input));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(visit_only);

}  // namespace
}  // namespace starling::node

BENCHMARK_MAIN();
