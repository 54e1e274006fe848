// Session goodput beside its references: the sealing alone in memory, plain TCP on loopback.
// TARGETS.md: at least 0.8 GB/s over loopback where raw AEAD gives 1.5 and raw TCP 2.8.

#include "protocol/link/session.h"

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "tests/support/session_peers.h"

namespace starling {
namespace {

using protocol::Bulk;
using testing::Peer;
using testing::SessionPair;

constexpr std::size_t message_bytes = 1U << 20U;  // a dense fp32 payload of the demo's perceptron
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
    STARLING_CHECK(pair.dialer.session.send(bulk_message()));
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
  std::thread receiver([end = connection.accepted] {
    Bytes buffer(read_bytes);
    std::size_t unacknowledged = 0;
    while (const std::size_t received = read_some(end, buffer)) {
      unacknowledged += received;
      for (; unacknowledged >= message_bytes; unacknowledged -= message_bytes) {
        write_all(end, Bytes{1});
      }
    }
  });
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
BENCHMARK(raw_tcp)->UseRealTime();

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
  std::thread receiver([&] { answer_bulk(pair.listener, connection.accepted); });
  Bytes buffer(read_bytes);
  Bytes wire;
  for (auto _ : state) {
    STARLING_CHECK(pair.dialer.session.send(bulk_message()));
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
BENCHMARK(session_over_loopback)->UseRealTime();

}  // namespace
}  // namespace starling

int main(int argc, char** argv) {
  // Otherwise glibc gives the pages of every bulk message back and faults them in again: up to 25 %
  // of the time measured here, and none of it the session's.
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
