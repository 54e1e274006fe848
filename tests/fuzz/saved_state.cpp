// Any bytes are a saved state or an error; a state that is read has one encoding, the bytes read.

#include "node/core/saved_state.h"

#include <algorithm>

#include "starling/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling::node;
  const starling::ByteSpan bytes(data, size);
  const auto state = decode_saved_state(bytes);
  if (state) STARLING_CHECK(std::ranges::equal(encode_saved_state(*state), bytes));
  return 0;
}
