#include "node/runtime/bounded_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace starling::runtime {

namespace {

ByteSpan bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// The lines of `text` that begin within its first `bytes` bytes.
std::string_view head_of(std::string_view text, std::size_t bytes) {
  const std::size_t end = text.rfind('\n', bytes);
  return end == std::string_view::npos ? std::string_view{} : text.substr(0, end + 1);
}

/// The whole lines among the last `bytes` bytes.
std::string_view tail_of(std::string_view text, std::size_t bytes) {
  const std::size_t end = text.find('\n', text.size() - std::min(bytes, text.size()));
  return end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
}

}  // namespace

Result<void> BoundedLog::open() {
  file_ =
      FileDescriptor(::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, public_file));
  if (!file_.is_open()) return system_error("open", path_.native(), errno);
  struct stat found{};
  bytes_ = ::fstat(file_.get(), &found) == 0 ? static_cast<std::size_t>(found.st_size) : 0;
  // What a power cut left of a line would spoil the next one.
  char last = '\n';
  const bool is_cut =
      bytes_ > 0 && ::pread(file_.get(), &last, 1, found.st_size - 1) == 1 && last != '\n';
  if (is_cut && write_all(file_.get(), bytes_of("\n")) == 0) ++bytes_;
  return {};
}

Result<void> BoundedLog::append(std::string_view line) {
  if (!file_.is_open()) {
    if (auto opened = open(); !opened) return opened;
  }
  if (bytes_ + line.size() >= bytes_max_) {
    if (auto thinned = thin(); !thinned) return thinned;
  }
  // One write per line, so that a reader never sees half of one.
  const std::string whole = std::string(line) + '\n';
  if (const int problem = write_all(file_.get(), bytes_of(whole)); problem != 0) {
    static_cast<void>(::ftruncate(file_.get(), static_cast<off_t>(bytes_)));
    return system_error("append to", path_.native(), problem);
  }
  bytes_ += whole.size();
  return {};
}

Result<void> BoundedLog::thin() {
  const Result<Bytes> bytes = read_file(path_);
  if (!bytes) return std::unexpected(bytes.error());
  const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  const std::string_view head = head_of(text, bytes_max_ / 4);
  const std::string_view tail = tail_of(text.substr(head.size()), bytes_max_ / 4);
  std::string kept(head);
  kept.append(R"({"event":"lines_dropped","bytes":)")
      .append(std::to_string(text.size() - head.size() - tail.size()))
      .append("}\n")
      .append(tail);
  auto written = write_atomically(path_, bytes_of(kept), {.survives_power_cut = false});
  if (!written) return written;
  return open();
}

}  // namespace starling::runtime
