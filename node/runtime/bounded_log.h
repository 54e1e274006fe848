#pragma once
// A file of lines that does not grow without bound: its first part and its newest one stay, and one
// line in the middle says how much was dropped between them.

#include <cstddef>
#include <filesystem>
#include <string_view>

#include "node/runtime/file.h"
#include "starling/result.h"

namespace starling::runtime {

class BoundedLog {
 public:
  /// bytes_max: of the file; each part that stays has a quarter of it.
  BoundedLog(std::filesystem::path path, std::size_t bytes_max)
      : path_(std::move(path)), bytes_max_(bytes_max) {}

  /// Appends one line; `line` has no line break. The file is made at the first.
  /// Error: the disk refused; nothing of the line is in the file, and the next may be tried.
  [[nodiscard]] Result<void> append(std::string_view line);

 private:
  [[nodiscard]] Result<void> open();
  [[nodiscard]] Result<void> thin();

  std::filesystem::path path_;
  std::size_t bytes_max_;
  FileDescriptor file_;
  std::size_t bytes_ = 0;  // of whole lines in the file
};

}  // namespace starling::runtime
