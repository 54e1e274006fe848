// Any text is a recipe or an error; a recipe's canonical text reads back as the same recipe.

#include "optim/recipe.h"

#include <string_view>

#include "starling/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using starling::optim::parse_recipe;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto recipe = parse_recipe(text, "fuzz");
  if (!recipe) return 0;
  const auto again = parse_recipe(recipe->canonical_text(), "fuzz");
  STARLING_CHECK(again && again->canonical_text() == recipe->canonical_text());
  return 0;
}
