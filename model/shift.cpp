#include "model/shift.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "starling/check.h"
#include "starling/rng.h"

namespace starling::model {
namespace {

void invert(std::span<float> image) {
  for (float& pixel : image) pixel = 1.0F - pixel;
}

/// image: side x side, row-major.
void turn_clockwise(std::span<float> image, std::size_t side) {
  const std::vector<float> upright(image.begin(), image.end());
  for (std::size_t row = 0; row < side; ++row) {
    for (std::size_t column = 0; column < side; ++column) {
      image[row * side + column] = upright[(side - 1 - column) * side + row];
    }
  }
}

std::size_t side_of(std::size_t pixels) {
  return static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(pixels))));
}

Result<void> check_images(const ShiftRule& rule, const Dataset& data) {
  const std::string needs =
      "shift '" + shift_text(rule) + "' needs square images of pixels from 0 to 1";
  const std::size_t side = side_of(data.feature_count);
  if (side * side != data.feature_count) {
    return invalid_input(needs + "; the samples have " + std::to_string(data.feature_count) +
                         " features");
  }
  const auto wrong =
      std::ranges::find_if(data.features, [](float value) { return value < 0 || value > 1; });
  if (wrong != data.features.end()) {
    return invalid_input(needs + "; a feature is " + std::to_string(*wrong));
  }
  return {};
}

}  // namespace

Result<ShiftRule> parse_shift_rule(std::string_view text) {
  if (text == "none") return ShiftRule{};
  const std::size_t colon = std::min(text.find(':'), text.size());
  for (const auto& [kind, name] : shift_names) {
    if (kind == ShiftKind::none || text.substr(0, colon) != name || colon == text.size()) continue;
    double share = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, share);
    if (error == std::errc{} && stop == end && share >= 0 && share <= 1) {
      return ShiftRule{kind, share};
    }
  }
  return invalid_input("shift is '" + std::string(text) +
                       "', expected none, invert:SHARE or rotate90:SHARE with SHARE from 0 to 1");
}

std::string shift_text(const ShiftRule& rule) {
  std::string name(optim::name_of(rule.kind, shift_names));
  if (rule.kind == ShiftKind::none) return name;
  char share[32];
  const auto end = std::to_chars(std::begin(share), std::end(share), rule.share).ptr;
  return name + ":" + std::string(std::begin(share), end);
}

bool is_shifted(const ShiftRule& rule, std::uint64_t seed, std::uint32_t number) {
  return rule.kind != ShiftKind::none && Rng::for_stream(seed, number).uniform() < rule.share;
}

Result<void> shift_images(const ShiftRule& rule, std::uint64_t seed,
                          std::span<const std::uint32_t> numbers, Dataset& data) {
  STARLING_CHECK(numbers.size() == data.size());
  if (rule.kind == ShiftKind::none) return {};
  if (auto checked = check_images(rule, data); !checked) return checked;
  const std::size_t side = side_of(data.feature_count);
  for (std::size_t sample = 0; sample < data.size(); ++sample) {
    if (!is_shifted(rule, seed, numbers[sample])) continue;
    const auto image =
        std::span(data.features).subspan(sample * data.feature_count, data.feature_count);
    if (rule.kind == ShiftKind::invert) {
      invert(image);
    } else {
      turn_clockwise(image, side);
    }
  }
  return {};
}

}  // namespace starling::model
