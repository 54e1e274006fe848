// TARGETS.md: raw AEAD 1.5 GB/s per core at 16 KiB; 185 us of primitives per side of a handshake,
// target 4,000 handshakes/s per core. Each of ours is beside the primitives it is made of.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>

#include "crypto/aead.h"
#include "crypto/node_handshake.h"
#include "tests/support/crypto_keys.h"

namespace starling::crypto {
namespace {

constexpr std::size_t frame_bytes = 16 * 1024;
constexpr std::uint64_t rekey_interval_frames = 256;

void set_bytes_processed(benchmark::State& state) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * frame_bytes));
}

void raw_aead_seal(benchmark::State& state) {
  const Secret<32> key = secret_of(1);
  Bytes buffer(frame_bytes + aead_tag_bytes);
  std::uint64_t counter = 0;
  for (auto _ : state) {
    aead_seal(key, counter++, {}, ByteSpan(buffer).first(frame_bytes), buffer.data());
    benchmark::ClobberMemory();
  }
  set_bytes_processed(state);
}
BENCHMARK(raw_aead_seal);

void sealed_channel_seal(benchmark::State& state) {
  SealingKey sealing(FrameKey(secret_of(1), rekey_interval_frames));
  Bytes buffer(frame_bytes + seal_overhead_bytes);
  for (auto _ : state) {
    if (!sealing.seal(ByteSpan(buffer).first(frame_bytes), buffer)) state.SkipWithError("seal");
    benchmark::ClobberMemory();
  }
  set_bytes_processed(state);
}
BENCHMARK(sealed_channel_seal);

void raw_aead_seal_and_open(benchmark::State& state) {
  const Secret<32> key = secret_of(1);
  Bytes buffer(frame_bytes + aead_tag_bytes);
  std::uint64_t counter = 0;
  for (auto _ : state) {
    aead_seal(key, counter, {}, ByteSpan(buffer).first(frame_bytes), buffer.data());
    if (!aead_open(key, counter, {}, buffer, buffer.data())) state.SkipWithError("open");
    ++counter;
  }
  set_bytes_processed(state);
}
BENCHMARK(raw_aead_seal_and_open);

void sealed_channel_seal_and_open(benchmark::State& state) {
  SealingKey sealing(FrameKey(secret_of(1), rekey_interval_frames));
  OpeningKey opening(FrameKey(secret_of(1), rekey_interval_frames));
  Bytes buffer(frame_bytes + seal_overhead_bytes);
  for (auto _ : state) {
    const bool sealed = sealing.seal(ByteSpan(buffer).first(frame_bytes), buffer).has_value();
    if (!sealed || !opening.open(buffer)) state.SkipWithError("seal or open");
  }
  set_bytes_processed(state);
}
BENCHMARK(sealed_channel_seal_and_open);

/// What one side of XX computes on curves: its ephemeral key, three agreements, one verification.
void primitives_of_one_side(benchmark::State& state) {
  const AgreementKeyPair peer = AgreementKeyPair::from_secret(secret_of(1));
  const SigningKey key = SigningKey::from_seed(secret_of(2));
  const Signature signature = key.sign(peer.public_key);
  for (auto _ : state) {
    const AgreementKeyPair own = AgreementKeyPair::from_secret(secret_of(3));
    for (int i = 0; i < 3; ++i) benchmark::DoNotOptimize(agree(own.secret, peer.public_key));
    benchmark::DoNotOptimize(verify(key.id(), peer.public_key, signature));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(primitives_of_one_side)->Unit(benchmark::kMicrosecond);

NodeHandshakeOptions options_of(HandshakeRole role, bool is_private) {
  const std::uint8_t seed = role == HandshakeRole::initiator ? 1 : 2;
  NodeHandshakeOptions options;
  options.role = role;
  if (is_private) options.psk = secret_of(9);
  options.self = certify_static_key(node_key(seed), secret_of(seed), options.run, {1'000});
  options.ephemeral_secret = secret_of(seed);
  return options;
}

/// Both sides on one core, so a side takes half of the time; items are sides, as a busy node's are.
void handshake(benchmark::State& state, bool is_private) {
  const auto dialer_options = options_of(HandshakeRole::initiator, is_private);
  const auto listener_options = options_of(HandshakeRole::responder, is_private);
  for (auto _ : state) {
    NodeHandshake dialer(dialer_options);
    NodeHandshake listener(listener_options);
    const auto second = listener.receive(*dialer.start());
    const auto third = dialer.receive(*second);
    if (!listener.receive(*third)) state.SkipWithError("handshake");
    benchmark::DoNotOptimize(dialer.take_channel());
    benchmark::DoNotOptimize(listener.take_channel());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(2 * state.iterations()));
}
BENCHMARK_CAPTURE(handshake, xx, false)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(handshake, xx_psk3, true)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace starling::crypto

BENCHMARK_MAIN();
