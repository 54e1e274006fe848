#include "node/runtime/platform.h"

#include "protocol/overlay/incarnation.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
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

/// The limit in a file of the control group's; nothing if there is none ("max", or no such file).
std::uint64_t limit_in(const std::string& path, std::uint64_t otherwise) {
  std::ifstream file(path);
  std::uint64_t limit = 0;
  return file >> limit && limit > 0 ? std::min(limit, otherwise) : otherwise;
}

}  // namespace

// The file has a line "HIERARCHY:CONTROLLERS:PATH" for each hierarchy (cgroups(7)).
std::uint64_t control_group_limit(const std::filesystem::path& groups,
                                  const std::filesystem::path& root, std::uint64_t otherwise) {
  std::ifstream file(groups);
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool is_unified = controllers.empty();
    if (!is_unified && controllers.find("memory") == std::string::npos) continue;
    const std::string top = root.native() + (is_unified ? "" : "/memory");
    const char* name = is_unified ? "/memory.max" : "/memory.limit_in_bytes";
    otherwise = limit_in(top + name, otherwise);  // within a container its own group is the root
    std::string path = line.substr(second + 1);
    while (path.starts_with('/') && path.size() > 1) {
      otherwise = limit_in(top + path + name, otherwise);
      path.resize(path.rfind('/'));
    }
  }
  return otherwise;
}

std::uint64_t memory_bytes() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_bytes = ::sysconf(_SC_PAGE_SIZE);
  if (pages <= 0 || page_bytes <= 0) return 0;
  const auto all = static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes);
  return control_group_limit("/proc/self/cgroup", "/sys/fs/cgroup", all);
}

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
