#pragma once
// Values as text for the report.

#include <cstdint>
#include <string>
#include <string_view>

namespace starling::cli {

/// Safe inside an element and inside a quoted attribute.
[[nodiscard]] std::string escaped(std::string_view text);

/// "0.125"; a dash if `value` is not finite.
[[nodiscard]] std::string fixed_text(double value, int decimals);

/// A coordinate or a length: a tenth of an SVG unit is finer than a pixel.
[[nodiscard]] std::string svg_number(double value);

/// A fraction as "86.9 %"; a dash if it is not finite.
[[nodiscard]] std::string percent_text(double fraction);

/// "48,000".
[[nodiscard]] std::string count_text(std::uint64_t count);

}  // namespace starling::cli
