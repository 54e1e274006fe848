#pragma once
// Fixed bytes and keys for tests, fuzzers and benchmarks of whatever needs crypto/.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "crypto/secret.h"
#include "crypto/signature.h"
#include "starling/ids.h"

namespace starling::crypto {

inline ByteSpan bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// 00 01 02 ...
template <std::size_t N>
std::array<std::uint8_t, N> counting_bytes() {
  std::array<std::uint8_t, N> bytes;
  for (std::size_t i = 0; i < N; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  return bytes;
}

/// 32 equal bytes: enough for a test to tell secrets apart.
inline Secret<32> secret_of(std::uint8_t value) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(value);
  return Secret<32>(bytes);
}

inline SigningKey node_key(std::uint8_t value) {
  return SigningKey::from_seed(secret_of(value));
}

inline RunId run_of(std::uint8_t value) {
  RunId run;
  run.bytes.fill(value);
  return run;
}

}  // namespace starling::crypto
