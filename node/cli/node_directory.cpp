#include "node/cli/node_directory.h"

#include <system_error>
#include <utility>

#include "node/runtime/store.h"

namespace starling::cli {

std::filesystem::path find_joined_directory(const RunId& run) {
  namespace fs = std::filesystem;
  std::error_code problem;  // what cannot be looked at is not ours
  for (fs::directory_iterator entry(".", problem), end; !problem && entry != end;
       entry.increment(problem)) {
    const fs::path name = entry->path().filename();
    if (!name.native().starts_with("starling-")) continue;
    const auto description = runtime::read_description(name);
    if (description && *description && run_id(**description) == run) return name;
  }
  return {};
}

NewDirectory::NewDirectory(std::filesystem::path path) : path_(std::move(path)) {
  std::error_code problem;  // what cannot be looked at counts as there, and is left alone
  std::filesystem::path part = std::filesystem::absolute(path_, problem);
  if (!part.has_filename()) part = part.parent_path();  // "name/"
  for (; !problem && !std::filesystem::exists(part, problem); part = part.parent_path()) {
    if (!problem) topmost_new_ = part;
  }
}

NewDirectory::~NewDirectory() {
  std::error_code ignored;  // nothing more can be done about it
  if (!topmost_new_.empty()) std::filesystem::remove_all(topmost_new_, ignored);
}

}  // namespace starling::cli
