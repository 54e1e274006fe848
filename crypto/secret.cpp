#include "crypto/secret.h"

#include <sodium.h>

#include "starling/check.h"

namespace starling::crypto {
namespace {

// libsodium chooses its vector code (AVX2 and the like) here; without it results are the same, only
// slower. Done before main because it must not race, and in this file because every user of a key
// links wipe().
[[maybe_unused]] const bool sodium_is_ready = [] {
  STARLING_CHECK(sodium_init() >= 0);
  return true;
}();

}  // namespace

void wipe(std::span<std::uint8_t> bytes) {
  sodium_memzero(bytes.data(), bytes.size());
}

}  // namespace starling::crypto
