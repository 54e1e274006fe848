#pragma once
// The whole program: reads the command line and runs one command.

#include <span>

#include "starling/result.h"

namespace starling::cli {

/// Returns the exit status: 0 success, 1 the run failed, 2 the user's input was wrong. After 1 and
/// 2 exactly one line has been written to standard error. arguments: as main() got them.
[[nodiscard]] int run_program(std::span<char* const> arguments);

/// Says what went wrong and ends the process at once, with the status that run_program() would
/// return: whatever computes or waits is not waited for.
[[noreturn]] void end_program_with(const Error& error);

}  // namespace starling::cli
