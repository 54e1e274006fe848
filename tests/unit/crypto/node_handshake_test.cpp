#include "crypto/node_handshake.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "tests/support/crypto_keys.h"

namespace starling::crypto {
namespace {

constexpr UnixSeconds expiry{1'000};
constexpr std::uint8_t dialer_seed = 1;
constexpr std::uint8_t listener_seed = 2;

NodeHandshakeOptions options_of(HandshakeRole role) {
  const std::uint8_t seed = role == HandshakeRole::initiator ? dialer_seed : listener_seed;
  NodeHandshakeOptions options;
  options.role = role;
  options.protocol_version = 1;
  options.run = run_of(3);
  options.self = certify_static_key(node_key(seed), secret_of(seed + 10), options.run, expiry);
  options.ephemeral_secret = secret_of(seed + 20);
  options.now = {500};
  return options;
}

/// What each side of a handshake ended with; no error means that it finished.
struct Outcome {
  std::optional<HandshakeError> dialer;
  std::optional<HandshakeError> listener;
  int messages_sent = 1;
};

Outcome run_handshake(NodeHandshake& dialer, NodeHandshake& listener) {
  Outcome outcome;
  auto message = dialer.start();
  for (bool to_listener = true; message && !message->empty(); to_listener = !to_listener) {
    message = (to_listener ? listener : dialer).receive(*message);
    if (!message) (to_listener ? outcome.listener : outcome.dialer) = message.error();
    if (message && !message->empty()) ++outcome.messages_sent;
  }
  return outcome;
}

/// A dialer and a listener of one open run; a test changes options before it calls run().
struct NodeHandshakes : ::testing::Test {
  NodeHandshakeOptions dialer_options = options_of(HandshakeRole::initiator);
  NodeHandshakeOptions listener_options = options_of(HandshakeRole::responder);

  Outcome run() {
    NodeHandshake dialer(dialer_options);
    NodeHandshake listener(listener_options);
    return run_handshake(dialer, listener);
  }
  void make_private() { dialer_options.psk = listener_options.psk = secret_of(99); }

  void expect_established() {
    NodeHandshake dialer(dialer_options);
    NodeHandshake listener(listener_options);
    EXPECT_EQ(run_handshake(dialer, listener).messages_sent, 3);
    ASSERT_TRUE(dialer.finished() && listener.finished());
    EstablishedChannel near = dialer.take_channel();
    EstablishedChannel far = listener.take_channel();
    EXPECT_EQ(near.peer, node_key(listener_seed).id());
    EXPECT_EQ(far.peer, node_key(dialer_seed).id());
    EXPECT_EQ(near.handshake_hash, far.handshake_hash);
    expect_carries(near.sealing, far.opening);
    expect_carries(far.sealing, near.opening);
  }

  static void expect_carries(SealingKey& sealing, OpeningKey& opening) {
    Bytes sealed(5 + seal_overhead_bytes);
    ASSERT_TRUE(sealing.seal(bytes_of("hello"), sealed));
    const auto opened = opening.open(sealed);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(std::ranges::equal(*opened, bytes_of("hello")));
  }
};

TEST_F(NodeHandshakes, OpenRunEstablishesAChannelBetweenNamedNodes) {
  expect_established();
}

TEST_F(NodeHandshakes, PrivateRunEstablishesAChannelBetweenNamedNodes) {
  make_private();
  expect_established();
}

TEST_F(NodeHandshakes, WrongRunIsRefusedByTheDialer) {
  listener_options.run = run_of(4);
  const Outcome outcome = run();
  EXPECT_EQ(outcome.dialer, HandshakeError::bad_message);
  EXPECT_EQ(outcome.messages_sent, 2);
}

TEST_F(NodeHandshakes, WrongProtocolVersionIsRefused) {
  listener_options.protocol_version = 2;
  EXPECT_EQ(run().dialer, HandshakeError::bad_message);
}

TEST_F(NodeHandshakes, WrongPskIsDroppedAtTheFirstMessage) {
  make_private();
  dialer_options.psk = secret_of(98);
  const Outcome outcome = run();
  EXPECT_EQ(outcome.listener, HandshakeError::wrong_tag);
  EXPECT_EQ(outcome.messages_sent, 1);
}

TEST_F(NodeHandshakes, WrongRunIsDroppedAtTheFirstMessageOfAPrivateRun) {
  make_private();
  dialer_options.run = run_of(4);
  EXPECT_EQ(run().listener, HandshakeError::wrong_tag);
}

TEST_F(NodeHandshakes, StrangerWithoutPskIsDroppedByAPrivateRun) {
  listener_options.psk = secret_of(99);
  EXPECT_EQ(run().listener, HandshakeError::wrong_tag);
}

TEST_F(NodeHandshakes, DialerOfAPrivateRunIsRefusedByAnOpenOne) {
  dialer_options.psk = secret_of(99);
  EXPECT_EQ(run().listener, HandshakeError::bad_message);
}

TEST_F(NodeHandshakes, ExpiredKeyOfTheListenerIsRefused) {
  dialer_options.now = expiry;
  EXPECT_EQ(run().dialer, HandshakeError::expired_key);
}

TEST_F(NodeHandshakes, ADialerWhoseKeyHasExpiredByTheListenersClockStopsBeforeItNamesItself) {
  listener_options.now = expiry;
  const Outcome outcome = run();
  EXPECT_EQ(outcome.dialer, HandshakeError::expired_key);
  EXPECT_EQ(outcome.messages_sent, 2);
}

TEST_F(NodeHandshakes, TellEachOtherTheirClocks) {
  dialer_options.now = {400};
  NodeHandshake dialer(dialer_options);
  NodeHandshake listener(listener_options);
  EXPECT_FALSE(dialer.peer_clock_ahead());
  run_handshake(dialer, listener);
  EXPECT_EQ(dialer.peer_clock_ahead(), 100);
  EXPECT_EQ(listener.peer_clock_ahead(), -100);
}

TEST_F(NodeHandshakes, DialerDoesNotNameItselfToAnotherNodeThanItDialled) {
  dialer_options.expected_peer = node_key(77).id();
  const Outcome outcome = run();
  EXPECT_EQ(outcome.dialer, HandshakeError::wrong_identity);
  EXPECT_EQ(outcome.messages_sent, 2);  // message 3 would carry its certificate
}

TEST_F(NodeHandshakes, DialerAcceptsTheNodeItDialled) {
  dialer_options.expected_peer = node_key(listener_seed).id();
  expect_established();
}

TEST_F(NodeHandshakes, CertificateOfAnotherStaticKeyIsRefused) {
  listener_options.self.key = AgreementKeyPair::from_secret(secret_of(50));
  EXPECT_EQ(run().dialer, HandshakeError::bad_certificate);
}

TEST_F(NodeHandshakes, CertificateOfAnotherRunIsRefused) {
  dialer_options.self = certify_static_key(node_key(dialer_seed), secret_of(11), run_of(4), expiry);
  EXPECT_EQ(run().listener, HandshakeError::bad_certificate);
}

TEST_F(NodeHandshakes, LowOrderEphemeralKeyIsRefused) {
  NodeHandshake listener(listener_options);
  EXPECT_EQ(listener.receive(Bytes(32, 0)).error(), HandshakeError::low_order_point);
}

TEST_F(NodeHandshakes, TagIsCheckedBeforeAnyCurveOperation) {
  make_private();
  // A low-order point is noticed by the first curve operation and by nothing else.
  NodeHandshake listener(listener_options);
  EXPECT_EQ(listener.receive(Bytes(16 + 32 + 16, 0)).error(), HandshakeError::wrong_tag);
}

TEST_F(NodeHandshakes, GreetingWithAPayloadIsRefused) {
  NodeHandshake dialer(dialer_options);
  NodeHandshake listener(listener_options);
  Bytes greeting = dialer.start().value();
  greeting.push_back(0);
  EXPECT_EQ(listener.receive(greeting).error(), HandshakeError::bad_message);
}

TEST_F(NodeHandshakes, EveryCallAfterAnErrorFails) {
  NodeHandshake dialer(dialer_options);
  NodeHandshake listener(listener_options);
  ASSERT_FALSE(listener.receive({}));
  EXPECT_EQ(listener.receive(dialer.start().value()).error(), HandshakeError::bad_message);
  EXPECT_FALSE(listener.finished());
}

TEST_F(NodeHandshakes, MessageOutOfTurnIsRefused) {
  NodeHandshake dialer(dialer_options);
  EXPECT_EQ(dialer.receive(Bytes(32, 1)).error(), HandshakeError::bad_message);
}

/// Calls `change` on message `number` (1 to 3) of a fresh handshake and expects that its receiver,
/// or the next one for the unauthenticated first message, refuses.
void expect_refused(const NodeHandshakeOptions& dialer_options,
                    const NodeHandshakeOptions& listener_options, int number,
                    const std::function<void(Bytes&)>& change) {
  NodeHandshake dialer(dialer_options);
  NodeHandshake listener(listener_options);
  auto message = dialer.start();
  for (int sent = 1; message && !message->empty(); ++sent) {
    if (sent == number) change(*message);
    message = (sent % 2 == 1 ? listener : dialer).receive(*message);
  }
  EXPECT_FALSE(dialer.finished() && listener.finished()) << "message " << number;
}

TEST_F(NodeHandshakes, AnyMessageCutAnywhereIsRefused) {
  make_private();
  for (const auto& [number, size] : {std::pair{1, 64U}, {2, 216U}, {3, 184U}}) {
    for (std::size_t length = 0; length < size; ++length) {
      expect_refused(dialer_options, listener_options, number, [&](Bytes& message) {
        ASSERT_EQ(message.size(), size);
        message.resize(length);
      });
    }
  }
}

TEST_F(NodeHandshakes, AnyFlippedByteIsRefused) {
  for (const auto& [number, size] : {std::pair{1, 32U}, {2, 216U}, {3, 184U}}) {
    for (std::size_t i = 0; i < size; ++i) {
      expect_refused(dialer_options, listener_options, number, [&](Bytes& message) {
        ASSERT_EQ(message.size(), size);
        message[i] ^= 1U;
      });
    }
  }
}

}  // namespace
}  // namespace starling::crypto
