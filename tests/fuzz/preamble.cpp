// What a stranger says before its handshake, and a listener's refusal.

#include "protocol/link/preamble.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling::protocol;
  const starling::ByteSpan bytes(data, size);
  if (const auto refusal = decode_refusal(bytes)) {
    if (!std::ranges::equal(encode_refusal(*refusal), bytes)) __builtin_trap();
  }
  if (size < preamble_bytes) return 0;
  const auto preamble = decode_preamble(bytes.first<preamble_bytes>());
  if (preamble && !std::ranges::equal(encode_preamble(*preamble), bytes.first(preamble_bytes))) {
    __builtin_trap();
  }
  return 0;
}
