#pragma once
// Two sessions wired together in memory, and a peer that seals whatever it is told to: for tests,
// fuzzing and benchmarks of Session.

#include <utility>

#include "crypto/identity.h"
#include "crypto/node_handshake.h"
#include "protocol/limits.h"
#include "protocol/link/frame.h"
#include "protocol/link/preamble.h"
#include "protocol/link/session.h"
#include "starling/check.h"

namespace starling::testing {

[[nodiscard]] inline crypto::Secret<32> secret_of(std::uint8_t value) {
  std::array<std::uint8_t, 32> bytes{};
  bytes.fill(value);
  return crypto::Secret<32>(bytes);
}

[[nodiscard]] inline RunId run_of(std::uint8_t value) {
  RunId run;
  run.bytes.fill(value);
  return run;
}

/// Of session_options(), for every kind.
inline constexpr std::size_t bulk_bytes_max = 64U << 20U;

/// An open run, version and clock right, keys derived from `seed`.
[[nodiscard]] inline protocol::SessionOptions session_options(crypto::HandshakeRole role,
                                                              std::uint8_t seed) {
  const auto node = crypto::SigningKey::from_seed(secret_of(seed));
  const RunId run = run_of(1);
  protocol::SessionOptions options{
      .handshake = {.role = role,
                    .protocol_version = protocol::limits::protocol_version,
                    .run = run,
                    .psk = {},
                    .self = crypto::certify_static_key(
                        node, secret_of(static_cast<std::uint8_t>(seed + 50)), run, {2000}),
                    .ephemeral_secret = secret_of(static_cast<std::uint8_t>(seed + 100)),
                    .expected_peer = {},
                    .now = {1000}},
      .bulk = protocol::BulkBounds::all(bulk_bytes_max)};
  return options;
}

[[nodiscard]] inline protocol::SessionOptions dialer_options() {
  return session_options(crypto::HandshakeRole::initiator, 1);
}
[[nodiscard]] inline protocol::SessionOptions listener_options() {
  return session_options(crypto::HandshakeRole::responder, 2);
}

/// What a dialer of session_options() sends before `first_message`.
[[nodiscard]] inline Bytes preamble_before(ByteSpan first_message) {
  const auto preamble =
      protocol::encode_preamble({.version = protocol::limits::protocol_version,
                                 .is_private = false,
                                 .tag = protocol::run_tag(run_of(1), first_message)});
  return {preamble.begin(), preamble.end()};
}

/// A session and everything it reported.
struct Peer {
  protocol::Session session;
  protocol::SessionEvents events;

  explicit Peer(protocol::SessionOptions options) : session(std::move(options), Instant{}) {}

  void receive(ByteSpan bytes, Instant now = {}) { session.receive(bytes, now, events); }
  [[nodiscard]] Bytes pull(std::size_t bytes_max = 64 * 1024) {
    Bytes out;
    session.pull(out, bytes_max);
    return out;
  }
  [[nodiscard]] const protocol::SessionClosed* end() const {
    return events.empty() ? nullptr : std::get_if<protocol::SessionClosed>(&events.back());
  }
  /// The messages received so far, which are forgotten.
  [[nodiscard]] std::vector<protocol::Message> take_messages() {
    std::vector<protocol::Message> messages;
    for (auto& event : events) {
      if (auto* received = std::get_if<protocol::SessionReceived>(&event)) {
        messages.push_back(std::move(received->message));
      }
    }
    std::erase_if(events, [](const auto& event) {
      return std::holds_alternative<protocol::SessionReceived>(event);
    });
    return messages;
  }
};

struct SessionPair {
  Peer dialer;
  Peer listener;

  explicit SessionPair(protocol::SessionOptions dialing = dialer_options(),
                       protocol::SessionOptions listening = listener_options())
      : dialer(std::move(dialing)), listener(std::move(listening)) {}

  /// Passes bytes both ways until both are silent.
  void settle(Instant now = {}) {
    while (dialer.session.has_output() || listener.session.has_output()) {
      listener.receive(dialer.pull(), now);
      dialer.receive(listener.pull(), now);
    }
  }
};

/// Knows the run and dials correctly, then seals anything.
class HostilePeer {
 public:
  /// Establishes with `target`, a listener.
  explicit HostilePeer(Peer& target) : channel_(establish(target)) {}

  /// The frame of a plaintext.
  [[nodiscard]] Bytes frame_of(ByteSpan plaintext) {
    Bytes frame(protocol::frame_header_bytes + plaintext.size() + crypto::seal_overhead_bytes);
    const auto body = std::span(frame).subspan(protocol::frame_header_bytes);
    STARLING_CHECK(channel_.sealing.seal(plaintext, body).has_value());
    protocol::write_frame_header(body.size(),
                                 std::span(frame).first<protocol::frame_header_bytes>());
    return frame;
  }
  [[nodiscard]] Bytes frame_of(protocol::FrameKind kind, ByteSpan content) {
    Bytes plaintext{static_cast<std::uint8_t>(kind)};
    plaintext.insert(plaintext.end(), content.begin(), content.end());
    return frame_of(plaintext);
  }

 private:
  crypto::EstablishedChannel channel_;

  static Bytes framed(ByteSpan body) {
    Bytes frame(protocol::frame_header_bytes);
    protocol::write_frame_header(body.size(),
                                 std::span(frame).first<protocol::frame_header_bytes>());
    frame.insert(frame.end(), body.begin(), body.end());
    return frame;
  }
  static crypto::EstablishedChannel establish(Peer& target) {
    crypto::NodeHandshake handshake(dialer_options().handshake);
    const Bytes greeting = handshake.start().value();
    target.receive(preamble_before(greeting));
    target.receive(framed(greeting));
    const Bytes answer = target.pull();
    const auto last = handshake.receive(ByteSpan(answer).subspan(protocol::frame_header_bytes));
    target.receive(framed(last.value()));
    return handshake.take_channel();
  }
};

}  // namespace starling::testing
