#pragma once
// Assertions that stay on in release builds: a failed check is a bug in Starling, never bad input.

#include <cstdio>
#include <cstdlib>

namespace starling::detail {

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "starling: internal check failed: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace starling::detail

#define STARLING_CHECK(condition)     \
  ((condition) ? static_cast<void>(0) \
               : ::starling::detail::check_failed(#condition, __FILE__, __LINE__))
