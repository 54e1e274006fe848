#include "optim/ledger/segment_factors.h"

#include <bit>
#include <charconv>

namespace starling::optim {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Result<SegmentFactor> parse_item(std::string_view item) {
  const std::size_t equals = item.rfind('=');
  const std::string_view pattern = trimmed(item.substr(0, equals));
  const std::string_view number =
      equals == std::string_view::npos ? "" : trimmed(item.substr(equals + 1));
  std::uint32_t factor = 0;
  const char* end = number.data() + number.size();
  const auto read = std::from_chars(number.data(), end, factor);
  const bool is_number = read.ec == std::errc{} && read.ptr == end;
  const bool is_allowed =
      factor <= segment_factor_max && (factor == 0 || std::has_single_bit(factor));
  if (pattern.empty() || !is_number || !is_allowed) {
    return invalid_input(
        std::string(trimmed(item)) +
        ": expected PATTERN=FACTOR, the factor 0 (frozen) or a power of two up to " +
        std::to_string(segment_factor_max));
  }
  return SegmentFactor{std::string(pattern), factor};
}

}  // namespace

Result<std::vector<SegmentFactor>> parse_segment_factors(std::string_view text) {
  std::vector<SegmentFactor> factors;
  while (!trimmed(text).empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    auto factor = parse_item(item);
    if (!factor) return std::unexpected(factor.error());
    factors.push_back(std::move(*factor));
  }
  return factors;
}

bool matches_pattern(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;  // the last one met, and
  std::size_t after = 0;                      // where in the name what it stands for ends
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++after;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace starling::optim
