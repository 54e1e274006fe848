#pragma once
// The machine: clocks, entropy, processor count. Everything that makes two runs differ is here.

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "crypto/secret.h"
#include "starling/instant.h"

namespace starling::runtime {

/// The monotonic clock, counted from its first use in this process; it goes on while the machine
/// sleeps. Thread: any.
[[nodiscard]] Instant monotonic_now();

/// Wall-clock time, for expiry dates only. Thread: any.
[[nodiscard]] UnixSeconds unix_now();

/// Fills `out` from the operating system's generator; blocks only before the machine has
/// collected entropy once after boot. Thread: any.
void fill_entropy(std::span<std::uint8_t> out);

[[nodiscard]] crypto::Secret<32> random_secret();

/// Never 0.
[[nodiscard]] std::uint64_t random_nonzero();

/// Names the process that begins now (protocol/overlay/incarnation.h).
[[nodiscard]] std::uint64_t new_incarnation();
/// Opens standard input, output and error on /dev/null where they are closed, so that no file or
/// socket of ours ever gets one of their numbers and is printed into. Before anything is opened.
void occupy_standard_descriptors();

/// Lets this process open as many descriptors as its user may (RLIMIT_NOFILE, soft to hard).
void raise_descriptor_limit();

/// How many descriptors this process can still open.
[[nodiscard]] std::size_t descriptors_free();

/// The least limit of memory that stands in the control groups of a process, and in those above
/// them. groups: as /proc/self/cgroup; root: as /sys/fs/cgroup. otherwise: where none is less.
[[nodiscard]] std::uint64_t control_group_limit(const std::filesystem::path& groups,
                                                const std::filesystem::path& root,
                                                std::uint64_t otherwise);

/// Memory of this machine that this process may use: all there is, or what its control group
/// allows. 0: not known.
[[nodiscard]] std::uint64_t memory_bytes();

/// Lowers the calling thread's priority (19: runs only when nothing else wants the processor).
void set_thread_niceness(int niceness);

}  // namespace starling::runtime
