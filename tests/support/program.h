#pragma once
// The real program as a child process, for tests that have STARLING_PROGRAM.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "node/runtime/child_process.h"
#include "node/runtime/file.h"
#include "starling/check.h"
#include "tests/unit/node_runtime/temporary_directory.h"

namespace starling::testing {

struct Outcome {
  runtime::ExitStatus exit;
  std::vector<std::string> lines;  ///< Of standard output.
  std::string error_text;
};

inline runtime::ChildProcess start_program(std::vector<std::string> arguments,
                                           std::filesystem::path error_output = {}) {
  auto child = runtime::ChildProcess::spawn({.program = STARLING_PROGRAM,
                                             .arguments = std::move(arguments),
                                             .error_output = std::move(error_output)});
  STARLING_CHECK(child.has_value());
  return std::move(*child);
}

/// Waits for the program's end.
inline Outcome run_program(std::vector<std::string> arguments) {
  const runtime::testing::TemporaryDirectory scratch;
  const std::filesystem::path errors = scratch.path() / "stderr";
  runtime::ChildGroup group;
  group.add(start_program(std::move(arguments), errors));
  Outcome outcome;
  while (group.running() > 0) {
    for (auto& event : group.wait(std::chrono::seconds(1))) {
      if (auto* line = std::get_if<runtime::ChildLine>(&event)) {
        outcome.lines.push_back(std::move(line->text));
      } else if (const auto* exited = std::get_if<runtime::ChildExited>(&event)) {
        outcome.exit = exited->status;
      }
    }
  }
  if (const auto text = runtime::read_file(errors)) {
    outcome.error_text.assign(text->begin(), text->end());
  }
  return outcome;
}

}  // namespace starling::testing
