#include "optim/recipe.h"

#include <utility>

#include "optim/builtin_recipes.h"
#include "optim/recipe_fields.h"
#include "optim/recipe_rules.h"
#include "optim/toml_fields.h"

namespace starling::optim {
std::string Recipe::canonical_text() const {
  TomlPrinter printer;
  visit_recipe(*this, printer);
  return printer.take();
}

Result<Recipe> parse_recipe(std::string_view toml_text, std::string_view origin) {
  const Result<toml::table> table = parse_toml(toml_text, origin);
  if (!table) return std::unexpected(table.error());
  Recipe recipe;
  TomlReader reader(*table, origin);
  visit_recipe(recipe, reader);
  if (auto read = reader.finish(); !read) return std::unexpected(read.error());
  if (recipe.name.empty()) return invalid_input(std::string(origin) + ": key 'name' is missing");
  if (auto fits = check_fit(recipe, origin); !fits) return std::unexpected(fits.error());
  return recipe;
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
