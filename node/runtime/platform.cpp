#include "node/runtime/platform.h"

#include "protocol/overlay/incarnation.h"

#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "starling/check.h"

namespace starling::runtime {

Instant monotonic_now() {
  using Clock = std::chrono::steady_clock;
  static const Clock::time_point start = Clock::now();
  return Instant{Clock::now() - start};
}

UnixSeconds unix_now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count()};
}

void fill_entropy(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t count = ::getrandom(out.data(), out.size(), 0);
    STARLING_CHECK(count > 0 || errno == EINTR);
    if (count > 0) out = out.subspan(static_cast<std::size_t>(count));
  }
}

crypto::Secret<32> random_secret() {
  crypto::Secret<32> secret;
  fill_entropy(secret.mutable_bytes());
  return secret;
}

std::uint64_t new_incarnation() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count();
  return protocol::incarnation_of(static_cast<std::uint64_t>(ms), random_nonzero());
}

std::uint64_t random_nonzero() {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes;
  std::uint64_t value = 0;
  while (value == 0) {
    fill_entropy(bytes);
    std::memcpy(&value, bytes.data(), sizeof value);
  }
  return value;
}

void set_thread_niceness(int niceness) {
  // On Linux setpriority with a thread id changes that thread alone. A refusal costs only comfort.
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness));
}

}  // namespace starling::runtime
