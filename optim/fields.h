#pragma once
// What a field of a file that people write may hold: a number's range, the names of choices.

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

namespace starling::optim {

template <class Choice, std::size_t N>
using ChoiceNames = std::array<std::pair<Choice, std::string_view>, N>;

template <class Choice, std::size_t N>
[[nodiscard]] std::string_view name_of(Choice choice, const ChoiceNames<Choice, N>& names) {
  for (const auto& [value, name] : names) {
    if (value == choice) return name;
  }
  return {};
}

/// Allowed values, ends included.
struct Range {
  double lowest;
  double highest;
};

}  // namespace starling::optim
