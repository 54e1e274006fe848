#include "node/runtime/platform.h"

#include "protocol/overlay/incarnation.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "starling/check.h"

namespace starling::runtime {

namespace {

/// CLOCK_BOOTTIME goes on while the machine sleeps, as the peers do.
Duration since_boot() {
  timespec now{};
  STARLING_CHECK(::clock_gettime(CLOCK_BOOTTIME, &now) == 0);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

Instant monotonic_now() {
  static const Duration start = since_boot();
  return Instant{since_boot() - start};
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

void occupy_standard_descriptors() {
  int lowest_free = 0;
  do {
    lowest_free = ::open("/dev/null", O_RDWR);
  } while (lowest_free >= 0 && lowest_free <= STDERR_FILENO);
  if (lowest_free >= 0) ::close(lowest_free);
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));  // a refusal leaves what there was
}

std::size_t descriptors_free() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  std::error_code unknown;
  std::size_t open = 0;
  for (auto entry = std::filesystem::directory_iterator("/proc/self/fd", unknown);
       !unknown && entry != std::filesystem::directory_iterator(); entry.increment(unknown)) {
    ++open;
  }
  return limit.rlim_cur > open ? static_cast<std::size_t>(limit.rlim_cur) - open : 0;
}

void set_thread_niceness(int niceness) {
  // On Linux setpriority with a thread id changes that thread alone. A refusal costs only comfort.
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness));
}

}  // namespace starling::runtime
