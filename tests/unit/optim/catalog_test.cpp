// The catalogs: what is written once there has to be right.

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/unit/optim/compositions.h"

namespace starling::optim {
namespace {

template <class Visit>
void for_each_catalog(Visit visit) {
  GossipRecipe recipe;
  for_each_axis(recipe, [&](const auto& catalog, const auto& /*chosen*/) { visit(catalog); });
}

void expect_sound(const Field& field) {
  EXPECT_LE(field.range.lowest, field.preset) << field.key;
  EXPECT_GE(field.range.highest, field.preset) << field.key;
  EXPECT_FALSE(field.meaning.empty()) << field.key;
  EXPECT_EQ(field.kind == FieldKind::choice, !field.choices.empty()) << field.key;
}

TEST(Catalog, NamesAndIdsOfAnAxisAreTakenOnceAndEverythingHasAMeaning) {
  for_each_catalog([](const auto& catalog) {
    std::set<std::string_view> names;
    std::set<int> ids;
    for (const auto* row : catalog.rows()) {
      EXPECT_TRUE(names.insert(row->name).second) << row->name;
      EXPECT_TRUE(ids.insert(row->id).second) << row->name;
      EXPECT_FALSE(row->meaning.empty()) << row->name;
      for (const Field& field : row->fields) expect_sound(field);
    }
    EXPECT_FALSE(catalog.axis().meaning.empty());
    for (const Field& field : catalog.axis().shared_fields) expect_sound(field);
  });
}

/// Two parts may share a key only if it means the same to a reader: `kind` stays the axis's own.
TEST(Catalog, NoFieldIsNamedLikeTheKeyThatChoosesThePart) {
  for_each_catalog([](const auto& catalog) {
    for (const auto* row : catalog.rows()) {
      for (const Field& field : row->fields) {
        EXPECT_NE(field.key, "kind");
        EXPECT_NE(field.key, catalog.axis().key);
      }
    }
  });
}

TEST(Catalog, EverySettingOfEveryPartIsPrintedAndReadBack) {
  for_each_catalog([](const auto& catalog) {
    for (const auto& chosen : testing_support::every_setting(catalog)) {
      Recipe recipe;
      recipe.name = "round-trip";
      for_each_axis(recipe.gossip(), [&](const auto& other, auto& mine) {
        if constexpr (std::is_same_v<decltype(mine), decltype(auto(chosen))&>) {
          if (&other == &catalog) mine = chosen;
        }
      });
      testing_support::fit_clock(recipe.gossip());
      if (!check_fit(recipe, "")) continue;
      const std::string text = recipe.canonical_text();
      const auto again = parse_recipe(text, "again");
      ASSERT_TRUE(again) << text << again.error().message;
      EXPECT_EQ(again->canonical_text(), text);
    }
  });
}

TEST(Catalog, AtLeastTwentyCompositionsFitTogether) {
  EXPECT_GE(testing_support::every_composition().size(), 20U);
}

}  // namespace
}  // namespace starling::optim
