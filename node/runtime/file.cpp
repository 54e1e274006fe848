#include "node/runtime/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

namespace starling::runtime {

namespace {

bool is_for_the_user_to_mend(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
    case EADDRINUSE:
    case EADDRNOTAVAIL:
      return true;
    default:
      return false;
  }
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

std::unexpected<Error> system_error(std::string_view action, std::string_view subject,
                                    int error_number) {
  std::string message = "cannot " + std::string(action) + " " + std::string(subject) + ": " +
                        std::generic_category().message(error_number);
  return is_for_the_user_to_mend(error_number) ? invalid_input(std::move(message))
                                               : failure(std::move(message));
}

Result<Bytes> read_file(const std::filesystem::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return system_error("read", path.native(), errno);
  Bytes bytes;
  struct stat found{};
  if (::fstat(file.get(), &found) == 0 && found.st_size > 0) {
    bytes.reserve(static_cast<std::size_t>(found.st_size));
  }
  std::array<std::uint8_t, 64 * 1024> buffer;
  for (;;) {
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count == 0) return bytes;
    if (count > 0) {
      bytes.insert(bytes.end(), buffer.begin(), buffer.begin() + count);
    } else if (errno != EINTR) {
      return system_error("read", path.native(), errno);
    }
  }
}

Result<UnixSeconds> written_at(const std::filesystem::path& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return system_error("look at", path.native(), errno);
  return UnixSeconds{found.st_mtime};
}

int write_all(int fd, ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (count < 0 && errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

namespace {

/// Opens the file that is to be renamed, alone: a second writer of the same file (`starling renew`
/// beside the node, say) waits until the first has renamed its own. Returns -1 with errno set.
int open_alone(const std::string& temporary, mode_t mode) {
  for (;;) {
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, mode);
    if (fd < 0) return fd;
    while (::flock(fd, LOCK_EX) != 0 && errno == EINTR) {  // a file system without locks has to do
    }
    struct stat opened{};
    struct stat named{};
    const bool is_still_there = ::fstat(fd, &opened) == 0 &&
                                ::stat(temporary.c_str(), &named) == 0 &&
                                opened.st_ino == named.st_ino;
    if (is_still_there && ::ftruncate(fd, 0) == 0) return fd;
    const int problem = errno;
    ::close(fd);
    if (is_still_there) {
      errno = problem;
      return -1;
    }
  }
}

}  // namespace

Result<void> write_atomically(const std::filesystem::path& path, ByteSpan bytes,
                              WriteOptions options) {
  return write_atomically(path, [bytes](int fd) { return write_all(fd, bytes); }, options);
}

Result<void> write_atomically(const std::filesystem::path& path,
                              const std::function<int(int fd)>& fill, WriteOptions options) {
  const std::string temporary = path.native() + ".new";
  int problem = 0;
  {
    const FileDescriptor file(open_alone(temporary, options.mode));
    if (!file.is_open()) return system_error("write", path.native(), errno);
    problem = fill(file.get());
    if (problem == 0 && options.survives_power_cut && ::fsync(file.get()) != 0) problem = errno;
    if (problem == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) problem = errno;
    if (problem != 0) ::unlink(temporary.c_str());
  }
  if (problem != 0) return system_error("write", path.native(), problem);
  return options.survives_power_cut ? sync_directory(path.parent_path()) : Result<void>{};
}

Result<void> sync_directory(const std::filesystem::path& directory) {
  const char* name = directory.empty() ? "." : directory.c_str();
  const FileDescriptor folder(::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open() || ::fsync(folder.get()) != 0) return system_error("sync", name, errno);
  return {};
}

}  // namespace starling::runtime
