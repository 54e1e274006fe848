#pragma once
// The files of optim/recipes, built into the program (cmake/EmbedTexts.cmake).

#include <span>
#include <string_view>

namespace starling::optim {

struct BuiltinRecipe {
  std::string_view name;  ///< The file's name without ".toml".
  std::string_view text;
};

/// In order of their names.
[[nodiscard]] std::span<const BuiltinRecipe> builtin_recipes();

}  // namespace starling::optim
