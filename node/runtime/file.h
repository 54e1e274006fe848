#pragma once
// Files as the node needs them: whole reads, atomic replacement, errors that name path and cause.

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string_view>
#include <utility>

#include "starling/ids.h"
#include "starling/instant.h"
#include "starling/result.h"

namespace starling::runtime {

/// Owns one open descriptor and closes it.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor();

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

/// "cannot ACTION SUBJECT: text of error_number". Kind: invalid_input where the user has to act
/// (full disk, missing right, address in use), failure otherwise.
[[nodiscard]] std::unexpected<Error> system_error(std::string_view action, std::string_view subject,
                                                  int error_number);

/// Reads a whole file. Error: missing or unreadable.
[[nodiscard]] Result<Bytes> read_file(const std::filesystem::path& path);

/// When a file was written last. Error: missing.
[[nodiscard]] Result<UnixSeconds> written_at(const std::filesystem::path& path);

/// Writes all of `bytes` at the descriptor's position. Returns 0 or the errno.
[[nodiscard]] int write_all(int fd, ByteSpan bytes);

/// Readable by its owner alone: identities, tickets with a pre-shared key.
inline constexpr mode_t private_file = 0600;
inline constexpr mode_t public_file = 0644;

struct WriteOptions {
  mode_t mode = public_file;
  /// False: survives the end of the process only, and costs no wait for the disk.
  bool survives_power_cut = true;
};

/// Replaces `path` as a whole: after a crash at any moment it holds the old bytes or the new ones.
/// Error: names path and cause; the old file is untouched.
[[nodiscard]] Result<void> write_atomically(const std::filesystem::path& path, ByteSpan bytes,
                                            WriteOptions options = {});

/// The same of bytes that come piece by piece. fill: writes the file at the descriptor, which is
/// empty; returns 0 or the errno.
[[nodiscard]] Result<void> write_atomically(const std::filesystem::path& path,
                                            const std::function<int(int fd)>& fill,
                                            WriteOptions options = {});

/// Makes renames inside `directory` survive a power cut.
[[nodiscard]] Result<void> sync_directory(const std::filesystem::path& directory);

}  // namespace starling::runtime
