// A session fed by a stranger (raw bytes), or by a member of the run that seals whatever the input
// says. The first byte chooses.

#include "protocol/link/session.h"

#include "starling/check.h"
#include "tests/support/session_peers.h"

namespace {

using namespace starling;

/// Splits off what the first byte counts, at most all.
ByteSpan take(ByteSpan& input) {
  const std::size_t size = std::min<std::size_t>(input.front(), input.size() - 1);
  const ByteSpan piece = input.subspan(1, size);
  input = input.subspan(1 + size);
  return piece;
}

void feed_as_stranger(testing::Peer& target, ByteSpan input) {
  while (!input.empty()) target.receive(take(input));
  target.session.end_of_stream(target.events);
}

void feed_as_member(testing::Peer& target, ByteSpan input) {
  testing::HostilePeer attacker(target);
  Instant now;
  while (!input.empty()) {
    now = now + std::chrono::milliseconds(100);
    target.receive(attacker.frame_of(take(input)), now);
    target.session.tick(now, target.events);
    static_cast<void>(target.pull());
  }
  target.session.end_of_stream(target.events);
}

/// What holds whatever came in.
void check(const testing::Peer& target) {
  STARLING_CHECK(target.session.closed());
  STARLING_CHECK(target.end() != nullptr);
  STARLING_CHECK(target.session.next_deadline() == Instant::never());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const auto dialing = testing::dialer_options();
  static const auto listening = testing::listener_options();
  testing::Peer target(data[0] == 0 ? dialing : listening);
  const ByteSpan input(data + 1, size - 1);
  if (data[0] < 2) {
    feed_as_stranger(target, input);
  } else {
    feed_as_member(target, input);
  }
  check(target);
  return 0;
}
