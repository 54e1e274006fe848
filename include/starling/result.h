#pragma once
// Operating failures as values: every fallible public call returns Result<T>.

#include <expected>
#include <string>
#include <utility>

namespace starling {

/// Who has to act on an error; decides the exit status of the command line.
enum class ErrorKind {
  invalid_input,  ///< The user's input was wrong (exit status 2).
  failure,        ///< The run failed: disk, network, a peer (exit status 1).
  no_quorum,      ///< The node ended while too few nodes were there for a merge (exit status 3).
  left_early,     ///< The node left before the merge, and can go on (exit status 4).
};

/// `message` is one line that names the value seen and the value allowed.
struct Error {
  ErrorKind kind = ErrorKind::failure;
  std::string message;
};

template <class T>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> invalid_input(std::string message) {
  return std::unexpected(Error{ErrorKind::invalid_input, std::move(message)});
}

[[nodiscard]] inline std::unexpected<Error> failure(std::string message) {
  return std::unexpected(Error{ErrorKind::failure, std::move(message)});
}

}  // namespace starling
