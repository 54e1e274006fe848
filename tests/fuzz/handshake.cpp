// A stranger's bytes against both sides of the handshake. The first byte chooses the scenario; the
// rest is cut into messages by a 16-bit length in front of each. With honest messages mixed in, the
// fuzzer also gets past the parts that need a secret.

#include <cstddef>
#include <cstdint>
#include <utility>

#include "crypto/byte_order.h"
#include "crypto/node_handshake.h"
#include "tests/support/crypto_keys.h"

namespace starling::crypto {
namespace {

constexpr std::uint8_t scenario_private = 1;          // both sides know a psk
constexpr std::uint8_t scenario_dialer = 2;           // the target dials; otherwise it listens
constexpr std::uint8_t scenario_honest_greeting = 4;  // a listener first gets a real message 1

NodeHandshake make_side(HandshakeRole role, std::uint8_t scenario) {
  const std::uint8_t seed = role == HandshakeRole::initiator ? 1 : 2;
  NodeHandshakeOptions options;
  options.role = role;
  options.protocol_version = 1;
  if ((scenario & scenario_private) != 0) options.psk = secret_of(3);
  options.self = certify_static_key(node_key(seed), secret_of(seed), options.run, {1'000});
  options.ephemeral_secret = secret_of(seed);
  return NodeHandshake(std::move(options));
}

void feed(NodeHandshake& target, ByteReader input) {
  while (const auto size = input.take_big_endian<std::uint16_t>()) {
    const auto message = input.take(*size);
    if (!message) return;
    // Nobody can finish without a signing key that the fuzzer does not have.
    const auto answer = target.receive(*message);
    if (answer && target.finished()) __builtin_trap();
  }
}

void run_scenario(std::uint8_t scenario, ByteReader input) {
  const bool dials = (scenario & scenario_dialer) != 0;
  NodeHandshake target =
      make_side(dials ? HandshakeRole::initiator : HandshakeRole::responder, scenario);
  if (dials) {
    if (!target.start()) __builtin_trap();
  } else if ((scenario & scenario_honest_greeting) != 0) {
    NodeHandshake dialer = make_side(HandshakeRole::initiator, scenario);
    if (!target.receive(*dialer.start())) __builtin_trap();
  }
  feed(target, input);
}

}  // namespace
}  // namespace starling::crypto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  starling::crypto::run_scenario(
      data[0], starling::crypto::ByteReader(starling::ByteSpan(data, size).subspan(1)));
  return 0;
}
