// Session goodput beside its references: the sealing alone in memory, plain TCP on loopback. Ends
// with one JSON object. TARGETS.md: at least 0.9 GB/s over loopback, or 75 % of what sealing and
// TCP allow one core that does one after the other. The sessions run on blocking sockets, one
// thread per end; what Asio adds in node/runtime is not in it.

#include "protocol/link/session.h"

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "bench/support/collector.h"
#include "crypto/aead.h"
#include "tests/support/session_peers.h"

namespace starling {
namespace {

using protocol::Bulk;
using testing::Peer;
using testing::SessionPair;

constexpr std::size_t message_bytes = 16U << 20U;  // 32 M parameters in 4 bits each
constexpr std::size_t write_bytes = 64U << 10U;
constexpr std::size_t read_bytes = 256U << 10U;

Bulk bulk_message() {
  Bulk bulk;
  bulk.data = Bytes(message_bytes, 0x5a);
  return bulk;
}

void report_goodput(benchmark::State& state, std::size_t bytes_per_iteration) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(bytes_per_iteration));
}

// --- In memory, one thread ---

/// What the sender's core pays for each frame, by libcrypto (crypto/bulk_aead.h).
void seal_frame(benchmark::State& state) {
  crypto::SealingKey sealing(crypto::FrameKey(testing::secret_of(1), 256));
  const Bytes plaintext(protocol::limits::bulk_plaintext_bytes_max, 0x5a);
  Bytes sealed(plaintext.size() + crypto::seal_overhead_bytes);
  for (auto _ : state) STARLING_CHECK(sealing.seal(plaintext, sealed).has_value());
  report_goodput(state, plaintext.size());
}
BENCHMARK(seal_frame);

/// The same bytes by libsodium.
void seal_frame_by_libsodium(benchmark::State& state) {
  const Bytes plaintext(protocol::limits::bulk_plaintext_bytes_max, 0x5a);
  Bytes sealed(plaintext.size() + crypto::seal_overhead_bytes);
  std::uint64_t counter = 0;
  for (auto _ : state) {
    crypto::aead_seal(testing::secret_of(1), counter++, {}, plaintext, sealed.data());
  }
  report_goodput(state, plaintext.size());
}
BENCHMARK(seal_frame_by_libsodium);

/// Seal, copy as a socket would, open: what any encrypted transport pays at least.
void raw_aead(benchmark::State& state) {
  crypto::SealingKey sealing(crypto::FrameKey(testing::secret_of(1), 256));
  crypto::OpeningKey opening(crypto::FrameKey(testing::secret_of(1), 256));
  const Bytes plaintext(protocol::limits::bulk_plaintext_bytes_max, 0x5a);
  Bytes sealed(plaintext.size() + crypto::seal_overhead_bytes);
  Bytes received(sealed.size());
  for (auto _ : state) {
    STARLING_CHECK(sealing.seal(plaintext, sealed).has_value());
    received = sealed;
    STARLING_CHECK(opening.open(received).has_value());
  }
  report_goodput(state, plaintext.size());
}
BENCHMARK(raw_aead);

void session_in_memory(benchmark::State& state) {
  SessionPair pair;
  pair.settle();
  Bytes wire;
  for (auto _ : state) {
    state.PauseTiming();  // who sends has the payload already
    Bulk message = bulk_message();
    state.ResumeTiming();
    STARLING_CHECK(pair.dialer.session.send(std::move(message)));
    while (pair.dialer.session.has_output()) {
      wire.clear();
      pair.dialer.session.pull(wire, write_bytes);
      pair.listener.receive(wire);
      if (pair.listener.session.has_output()) pair.dialer.receive(pair.listener.pull());
    }
    STARLING_CHECK(pair.listener.take_messages().size() == 1);
  }
  report_goodput(state, message_bytes);
}
BENCHMARK(session_in_memory);

/// Both sides of a handshake on one core: per side, twice as many.
void handshake_both_sides(benchmark::State& state) {
  const auto dialing = testing::dialer_options();
  const auto listening = testing::listener_options();
  for (auto _ : state) {
    SessionPair pair(dialing, listening);
    pair.settle();
    STARLING_CHECK(pair.dialer.events.size() == 1 && pair.listener.events.size() == 1);
  }
  state.counters["sides/s"] = benchmark::Counter(2.0 * static_cast<double>(state.iterations()),
                                                 benchmark::Counter::kIsRate);
}
BENCHMARK(handshake_both_sides);

/// Small messages through encode, seal, open, decode.
void ping_in_memory(benchmark::State& state) {
  SessionPair pair;
  pair.settle();
  Instant now;
  for (auto _ : state) {
    STARLING_CHECK(pair.dialer.session.send(protocol::Ping{1}));
    now = now + std::chrono::milliseconds(1);  // below the rate limit
    pair.listener.receive(pair.dialer.pull(), now);
    pair.listener.events.clear();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ping_in_memory);

// --- Over a loopback TCP connection, one thread per end ---

/// Where the two ends run. A scheduler likes to put both on one core, where plain TCP is fastest in
/// a virtual machine; what computes gains by two.
enum Placement : std::int64_t { scheduled, core_each };

void use_core(const benchmark::State& state, std::size_t core) {
  if (state.range(0) != core_each || std::thread::hardware_concurrency() < 2) return;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  STARLING_CHECK(pthread_setaffinity_np(pthread_self(), sizeof cores, &cores) == 0);
}

/// The cores that the calling thread may use, given back at the end.
class KeptAffinity {
 public:
  KeptAffinity() {
    STARLING_CHECK(pthread_getaffinity_np(pthread_self(), sizeof cores_, &cores_) == 0);
  }
  KeptAffinity(const KeptAffinity&) = delete;
  KeptAffinity& operator=(const KeptAffinity&) = delete;
  ~KeptAffinity() { pthread_setaffinity_np(pthread_self(), sizeof cores_, &cores_); }

 private:
  cpu_set_t cores_{};
};

class LoopbackConnection {
 public:
  LoopbackConnection() {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t address_bytes = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    STARLING_CHECK(bind(listener, generic, address_bytes) == 0 && listen(listener, 1) == 0);
    STARLING_CHECK(getsockname(listener, generic, &address_bytes) == 0);
    dialer = socket(AF_INET, SOCK_STREAM, 0);
    STARLING_CHECK(connect(dialer, generic, address_bytes) == 0);
    accepted = accept(listener, nullptr, nullptr);
    STARLING_CHECK(accepted >= 0);
    ::close(listener);
    for (const int end : {dialer, accepted}) {
      const int on = 1;
      STARLING_CHECK(setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    }
  }
  LoopbackConnection(const LoopbackConnection&) = delete;
  LoopbackConnection& operator=(const LoopbackConnection&) = delete;
  ~LoopbackConnection() {
    ::close(dialer);
    ::close(accepted);
  }

  int dialer = -1;
  int accepted = -1;
};

void write_all(int end, ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::send(end, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    STARLING_CHECK(written > 0);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

/// Blocks for at least one byte. Returns 0 at the end of the stream.
std::size_t read_some(int end, Bytes& buffer) {
  const ssize_t received = ::recv(end, buffer.data(), buffer.size(), 0);
  STARLING_CHECK(received >= 0);
  return static_cast<std::size_t>(received);
}

bool readable(int end) {
  pollfd wait{.fd = end, .events = POLLIN, .revents = 0};
  return ::poll(&wait, 1, 0) > 0;
}

void raw_tcp(benchmark::State& state) {
  LoopbackConnection connection;
  const KeptAffinity kept;
  std::thread receiver([end = connection.accepted, &state] {
    use_core(state, 1);
    Bytes buffer(read_bytes);
    std::size_t unacknowledged = 0;
    while (const std::size_t received = read_some(end, buffer)) {
      unacknowledged += received;
      for (; unacknowledged >= message_bytes; unacknowledged -= message_bytes) {
        write_all(end, Bytes{1});
      }
    }
  });
  use_core(state, 0);
  const Bytes chunk(write_bytes, 0x5a);
  Bytes answer(1);
  for (auto _ : state) {
    for (std::size_t sent = 0; sent < message_bytes; sent += chunk.size()) {
      write_all(connection.dialer, chunk);
    }
    read_some(connection.dialer, answer);
  }
  shutdown(connection.dialer, SHUT_RDWR);
  receiver.join();
  report_goodput(state, message_bytes);
}
BENCHMARK(raw_tcp)->Arg(scheduled)->Arg(core_each)->UseRealTime();

void flush(Peer& peer, int end, Bytes& wire) {
  while (peer.session.has_output()) {
    wire.clear();
    peer.session.pull(wire, write_bytes);
    write_all(end, wire);
  }
}

/// Answers each whole bulk message with a Pong until the stream ends.
void answer_bulk(Peer& peer, int end) {
  Bytes buffer(read_bytes);
  Bytes wire;
  while (const std::size_t received = read_some(end, buffer)) {
    peer.receive(ByteSpan(buffer).first(received));
    for (std::size_t i = peer.take_messages().size(); i > 0; --i) {
      STARLING_CHECK(peer.session.send(protocol::Pong{}));
    }
    flush(peer, end, wire);
  }
}

void session_over_loopback(benchmark::State& state) {
  LoopbackConnection connection;
  SessionPair pair;
  pair.settle();
  const KeptAffinity kept;
  std::thread receiver([&] {
    use_core(state, 1);
    answer_bulk(pair.listener, connection.accepted);
  });
  use_core(state, 0);
  Bytes buffer(read_bytes);
  Bytes wire;
  for (auto _ : state) {
    state.PauseTiming();  // who sends has the payload already
    Bulk message = bulk_message();
    state.ResumeTiming();
    STARLING_CHECK(pair.dialer.session.send(std::move(message)));
    while (pair.dialer.take_messages().empty()) {
      if (pair.dialer.session.has_output()) {
        wire.clear();
        pair.dialer.session.pull(wire, write_bytes);
        write_all(connection.dialer, wire);
      }
      if (!pair.dialer.session.has_output() || readable(connection.dialer)) {
        pair.dialer.receive(ByteSpan(buffer).first(read_some(connection.dialer, buffer)));
      }
    }
  }
  shutdown(connection.dialer, SHUT_RDWR);
  receiver.join();
  report_goodput(state, message_bytes);
}
BENCHMARK(session_over_loopback)->Arg(scheduled)->Arg(core_each)->UseRealTime();

/// In bytes a nanosecond; elapsed on loopback, and of both placements the faster.
nlohmann::json summary(std::map<std::string, double>& nanoseconds) {
  constexpr double frame = protocol::limits::bulk_plaintext_bytes_max;
  constexpr double message = message_bytes;
  const double sealing = frame / nanoseconds["seal_frame"];
  const auto fastest = [&](const std::string& name) {
    const double scheduled_ns = nanoseconds[name + "/0/real_time"];
    return message / std::min(scheduled_ns, nanoseconds[name + "/1/real_time"]);
  };
  const double tcp = fastest("raw_tcp");
  const double session = fastest("session_over_loopback");
  const double one_core = 1 / (1 / sealing + 1 / tcp);
  return {{"session_gb_s", session},
          {"raw_tcp_gb_s", tcp},
          {"aead_gb_s", sealing},
          {"aead_libsodium_gb_s", frame / nanoseconds["seal_frame_by_libsodium"]},
          {"session_in_memory_gb_s", message / nanoseconds["session_in_memory"]},
          {"seal_and_tcp_on_one_core_gb_s", one_core},
          {"session_share_of_one_core", session / one_core}};
}

}  // namespace
}  // namespace starling

int main(int argc, char** argv) {
  // Otherwise glibc gives the pages of every bulk message back and faults them in again: up to 25 %
  // of the time measured here, and none of it the session's.
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  benchmark::Initialize(&argc, argv);
  starling::bench::Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);
  std::cout << starling::summary(collector.nanoseconds).dump() << '\n';
}
