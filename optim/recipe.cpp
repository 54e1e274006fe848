#include "optim/recipe.h"

#include "optim/builtin_recipes.h"
#include "optim/recipe_axes.h"

namespace starling::optim {

GossipRecipe::GossipRecipe() {
  for_each_axis(
      *this, [](const auto& catalog, auto& chosen) { chosen = catalog.choose(catalog.preset()); });
}

std::vector<std::string> builtin_recipe_names() {
  std::vector<std::string> names;
  for (const BuiltinRecipe& builtin : builtin_recipes()) names.emplace_back(builtin.name);
  return names;
}

Result<Recipe> builtin_recipe(std::string_view name) {
  std::string allowed;
  for (const BuiltinRecipe& builtin : builtin_recipes()) {
    if (builtin.name == name) return parse_recipe(builtin.text, name);
    allowed.append(" ").append(builtin.name);
  }
  return invalid_input("no built-in recipe '" + std::string(name) + "'; there are:" + allowed);
}

}  // namespace starling::optim
