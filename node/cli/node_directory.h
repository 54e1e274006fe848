#pragma once

#include <filesystem>

#include "node/run_description.h"

namespace starling::cli {

/// Where `create` and `join` keep the node when no --dir is given.
[[nodiscard]] inline std::filesystem::path default_directory(const RunDescription& run) {
  return "starling-" + run.name;
}

}  // namespace starling::cli
