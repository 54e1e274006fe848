#include "node/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace starling::cli {

bool can_rewrite_lines(std::FILE* out) {
  const char* kind = std::getenv("TERM");
  if (kind == nullptr || std::string_view(kind).empty() || std::string_view(kind) == "dumb") {
    return false;
  }
  return ::isatty(::fileno(out)) == 1;
}

std::size_t columns_of(std::FILE* out) {
  constexpr std::size_t usual = 80;
  winsize window{};
  const bool is_known = ::ioctl(::fileno(out), TIOCGWINSZ, &window) == 0 && window.ws_col > 0;
  return is_known ? window.ws_col : usual;
}

std::string cut_to(const std::string& line, std::size_t columns) {
  std::size_t used = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool begins_a_character = (static_cast<unsigned char>(line[i]) & 0xC0U) != 0x80U;
    if (begins_a_character && ++used > columns) return line.substr(0, i);
  }
  return line;
}

}  // namespace starling::cli
