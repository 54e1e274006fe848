#pragma once
// What an output can show. The program draws no colours, so NO_COLOR changes nothing.

#include <cstddef>
#include <cstdio>
#include <string>

namespace starling::cli {

/// True for a terminal that can move its cursor: not for files, pipes, TERM=dumb or no TERM.
[[nodiscard]] bool can_rewrite_lines(std::FILE* out);

/// Of the terminal's window; 80 where nobody says.
[[nodiscard]] std::size_t columns_of(std::FILE* out);

/// The line, cut so that it fits: one that wraps cannot be written over. UTF-8 stays whole;
/// every code point counts as one column.
[[nodiscard]] std::string cut_to(const std::string& line, std::size_t columns);

}  // namespace starling::cli
