#include "node/cli/recipe_tables.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "tests/support/source_dir.h"

namespace starling::cli {
namespace {

TEST(RecipeTables, AreThoseOfTheDocumentation) {
  std::ifstream file(STARLING_SOURCE_DIR "/docs/RECIPES.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const std::string begin = "<!-- starling recipes --markdown -->\n";
  const std::size_t from = page.find(begin) + begin.size();
  // Print them anew by `starling recipes --markdown`.
  EXPECT_EQ(page.substr(from, page.find("<!-- end -->") - from), recipe_tables_markdown());
}

TEST(RecipeTables, ListEveryAxisWithItsParts) {
  const auto tables = nlohmann::json::parse(recipe_tables_json());
  std::set<std::string> axes;
  for (const auto& axis : tables.at("axes")) {
    axes.insert(axis.at("axis"));
    int defaults = 0;
    for (const auto& part : axis.at("parts")) defaults += part.at("default") ? 1 : 0;
    EXPECT_EQ(defaults, 1) << axis.at("axis");
  }
  EXPECT_EQ(axes, (std::set<std::string>{"oracle", "inner", "codec", "memory", "mixer",
                                         "correction", "outer", "flow", "clock", "view"}));
}

TEST(RecipeTables, SayOfEveryFieldWhatItMayHold) {
  const auto tables = nlohmann::json::parse(recipe_tables_json());
  const auto expect_bounded = [](const nlohmann::json& fields) {
    for (const auto& field : fields) {
      EXPECT_TRUE(field.contains("choices") || field.contains("lowest") || field["type"] == "text");
      EXPECT_FALSE(field.at("meaning").get<std::string>().empty());
    }
  };
  for (const auto& axis : tables.at("axes")) {
    expect_bounded(axis.at("fields"));
    for (const auto& part : axis.at("parts")) expect_bounded(part.at("fields"));
  }
  expect_bounded(tables.at("ledger").at("fields"));
}

}  // namespace
}  // namespace starling::cli
