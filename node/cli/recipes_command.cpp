// starling recipes: the recipes and the parts there are, from the catalogs.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "node/cli/command.h"
#include "node/cli/recipe_tables.h"
#include "optim/builtin_recipes.h"
#include "optim/recipe.h"

namespace starling::cli {
namespace {

class RecipesCommand final : public Command {
 public:
  std::string_view name() const override { return "recipes"; }
  std::string_view summary() const override {
    return "List the recipes, and the parts that recipes are made of";
  }

  void add_options(CLI::App& app) override {
    app.add_option("NAME", name_, "Print the file of this recipe instead");
    auto* json = app.add_flag("--json", as_json_, "Print one JSON object");
    app.add_flag("--markdown", as_markdown_, "Print the tables of docs/RECIPES.md")->excludes(json);
    app.footer(
        "Examples:\n"
        "  starling recipes\n"
        "  starling recipes gossip > mine.toml");
  }

  Result<void> run() override {
    if (!name_.empty()) return print_file();
    if (as_json_) {
      std::printf("%s\n", recipe_tables_json().c_str());
    } else {
      std::fputs(as_markdown_ ? recipe_tables_markdown().c_str() : recipe_tables_text().c_str(),
                 stdout);
    }
    return {};
  }

 private:
  [[nodiscard]] Result<void> print_file() const {
    if (auto known = optim::builtin_recipe(name_); !known) return std::unexpected(known.error());
    for (const optim::BuiltinRecipe& recipe : optim::builtin_recipes()) {
      if (recipe.name == name_) std::printf("%s", std::string(recipe.text).c_str());
    }
    return {};
  }

  std::string name_;
  bool as_json_ = false;
  bool as_markdown_ = false;
};

}  // namespace

std::unique_ptr<Command> make_recipes_command() {
  return std::make_unique<RecipesCommand>();
}

}  // namespace starling::cli
