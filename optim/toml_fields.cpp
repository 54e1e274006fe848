#include "optim/toml_fields.h"

namespace starling::optim {
namespace {

[[nodiscard]] bool is_ascii(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return (c & 0x80) != 0; });
}

// toml++ 3.3 runs into undefined behaviour or an assertion on letters outside ASCII, on a table's
// name that does not begin like a key, and on malformed arrays (tests/fuzz/recipe.cpp found all
// three); recipes and runs need none of them.
[[nodiscard]] bool is_bracket(char c) {
  return c == '[' || c == '{';
}

[[nodiscard]] bool is_control(char c) {
  return (c >= 0 && c < ' ' && c != '\t' && c != '\r') || c == 0x7f;
}

[[nodiscard]] Result<void> check_plain_text(std::string_view text, std::string_view origin) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t start = line.find_first_not_of(" \t");
    const bool opens = start != std::string_view::npos && line[start] == '[';
    const bool named =
        opens && start + 1 < line.size() && line[start + 1] >= 'a' && line[start + 1] <= 'z';
    const auto refuse = [&](std::string_view reason) {
      return invalid_input(std::string(origin) + ":" + std::to_string(number) + ": " +
                           std::string(reason));
    };
    if (!is_ascii(line)) return refuse("a character outside ASCII; allowed: plain ASCII text");
    if (std::ranges::any_of(line, is_control)) {
      return refuse("a control character; allowed: plain ASCII text");
    }
    if (std::ranges::count_if(line, is_bracket) > (opens ? 1 : 0)) {
      return refuse("an array or inline table; allowed: plain values");
    }
    if (opens && !named) return refuse("a table that is not named; allowed: [inner], [codec], ...");
  }
  return {};
}

}  // namespace

Result<toml::table> parse_toml(std::string_view text, std::string_view origin) {
  if (auto plain = check_plain_text(text, origin); !plain) return std::unexpected(plain.error());
  toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const auto at = parsed.error().source().begin;
    return invalid_input(std::string(origin) + ":" + std::to_string(at.line) + ": " +
                         std::string(parsed.error().description()));
  }
  return std::move(parsed).table();
}

}  // namespace starling::optim
