#pragma once

#include <filesystem>

#include "node/run_description.h"

namespace starling::cli {

/// Where `create` and `join` keep the node when no --dir is given.
[[nodiscard]] inline std::filesystem::path default_directory(const RunDescription& run) {
  return "starling-" + run.name;
}

/// The default directory, below the working one, of a node that has joined `run`; empty: there is
/// none. So that the command that joined goes on when it is given again, whoever can be reached.
[[nodiscard]] std::filesystem::path find_joined_directory(const RunId& run);

/// A directory that a command is about to make. Unless keep() is called it is removed again with
/// the parents it needed, so that a command that fails leaves nothing behind. Nothing that was
/// there before is touched.
class NewDirectory {
 public:
  explicit NewDirectory(std::filesystem::path path);
  NewDirectory(const NewDirectory&) = delete;
  NewDirectory& operator=(const NewDirectory&) = delete;
  ~NewDirectory();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  void keep() { topmost_new_.clear(); }

 private:
  std::filesystem::path path_;
  std::filesystem::path topmost_new_;  ///< Of path_ and its parents; empty: none.
};

}  // namespace starling::cli
