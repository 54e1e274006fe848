#pragma once
// A change of the data that keeps its labels: what a model trained before it has to be tuned to.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "model/dataset.h"
#include "optim/fields.h"
#include "starling/result.h"

namespace starling::model {

enum class ShiftKind : std::uint8_t {
  none,
  invert,    ///< A pixel p becomes 1 - p.
  rotate90,  ///< The image is turned clockwise by a quarter.
};

inline constexpr optim::ChoiceNames<ShiftKind, 3> shift_names{
    {{ShiftKind::none, "none"}, {ShiftKind::invert, "invert"}, {ShiftKind::rotate90, "rotate90"}}};

struct ShiftRule {
  ShiftKind kind = ShiftKind::none;
  double share = 0;  ///< Of the images, in [0, 1].
};

/// "none", "invert:0.5", "rotate90:0.25". Error: invalid_input naming the text seen and the forms
/// allowed.
[[nodiscard]] Result<ShiftRule> parse_shift_rule(std::string_view text);
/// The inverse.
[[nodiscard]] std::string shift_text(const ShiftRule& rule);

/// True if image `number` of a data set is among those changed: a function of seed and number, so
/// that nodes agree on the data however it is divided among them.
[[nodiscard]] bool is_shifted(const ShiftRule& rule, std::uint64_t seed, std::uint32_t number);

/// Changes the images of `data` that is_shifted() names. numbers: of each sample in the whole data
/// set. Error: invalid_input: the samples are no square images of pixels in [0, 1].
[[nodiscard]] Result<void> shift_images(const ShiftRule& rule, std::uint64_t seed,
                                        std::span<const std::uint32_t> numbers, Dataset& data);

}  // namespace starling::model
