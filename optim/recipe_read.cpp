// Reading a recipe's TOML.

#include <string>
#include <string_view>
#include <vector>

#include "optim/recipe_axes.h"
#include "optim/recipe_fields.h"
#include "optim/recipe_rules.h"
#include "optim/toml_fields.h"

namespace starling::optim {
namespace {

void read_item(TomlReader& reader, Settings::Item& item) {
  const Field& field = *item.field;
  if (field.kind == FieldKind::real) {
    reader.real(field.key, item.value, field.range);
  } else if (field.kind == FieldKind::count) {
    std::uint64_t value = static_cast<std::uint64_t>(item.value);
    reader.count(field.key, value, field.range);
    item.value = static_cast<double>(value);
  } else if (const auto index = reader.one_of(field.key, field.choices)) {
    item.value = static_cast<double>(*index);
  }
}

/// Reads the part of one axis and its fields. A key that another part of the axis has is refused
/// with that part's name: it would be ignored.
struct ReadPart {
  TomlReader& reader;

  template <class Entry>
  void operator()(const Catalog<Entry>& catalog, Chosen<Entry>& chosen) const {
    const Axis& axis = catalog.axis();
    const bool has_table = axis.form == AxisForm::table && !reader.is_text(axis.key);
    std::string kind_key(axis.key);
    if (has_table) {
      reader.section(axis.key);
      kind_key = "kind";
    } else {
      reader.root();
    }
    std::vector<std::string_view> names;
    for (const Entry* row : catalog.rows()) names.push_back(row->name);
    if (const auto index = reader.one_of(kind_key, names)) {
      chosen = catalog.choose(*catalog.rows()[*index]);
    }
    if (!has_table && axis.form == AxisForm::table) return;
    for (Settings::Item& item : chosen.settings.items()) read_item(reader, item);
    for (const Entry* row : catalog.rows()) {
      for (const Field& field : row->fields) {
        if (chosen.settings.has(field.key)) continue;
        const std::string full_kind = (has_table ? std::string(axis.key) + "." : "") + kind_key;
        reader.refuse(field.key, "needs " + full_kind + " '" + std::string(row->name) + "', and " +
                                     full_kind + " is '" + std::string(chosen.name()) + "'");
      }
    }
  }
};

/// The reader without the meanings, which are for lists.
struct ReadLedger {
  TomlReader& reader;
  template <class Choice, std::size_t N>
  void choice(std::string_view key, Choice& value, const ChoiceNames<Choice, N>& names,
              std::string_view /*meaning*/) {
    reader.choice(key, value, names);
  }
  void real(std::string_view key, double& value, Range range, std::string_view /*meaning*/) {
    reader.real(key, value, range);
  }
  void count(std::string_view key, std::uint32_t& value, Range range,
             std::string_view /*meaning*/) {
    reader.count(key, value, range);
  }
  void patterns(std::string_view key, std::string& value, std::string_view /*meaning*/) {
    reader.patterns(key, value);
  }
};

void read_ledger(TomlReader& reader, LedgerRecipe& ledger) {
  constexpr std::string_view oracle[] = {"votes"};
  constexpr std::string_view mixer[] = {"vote_sum"};
  reader.root();
  (void)reader.one_of("oracle", oracle);
  GossipRecipe unused;
  for_each_axis(unused, [&](const auto& catalog, const auto& /*chosen*/) {
    const std::string_view key = catalog.axis().key;
    // Recipes of version 0.1 name the sum of votes as their mixer.
    if (key == "oracle" || (key == "mixer" && reader.is_text(key, mixer[0]))) return;
    reader.refuse(key,
                  "does not belong into a recipe with oracle 'votes': votes are summed as they "
                  "are, and leave nothing to choose there");
  });
  if (reader.is_text("mixer", mixer[0])) (void)reader.one_of("mixer", mixer);
  reader.section("votes");
  ReadLedger visitor{reader};
  visit_ledger(ledger, visitor);
}

void read_gossip(TomlReader& reader, GossipRecipe& gossip) {
  reader.root();
  reader.real("consensus_step", gossip.consensus_step, above_zero_to_one);
  for_each_axis(gossip, ReadPart{reader});
}

}  // namespace

Result<Recipe> parse_recipe(std::string_view toml_text, std::string_view origin) {
  const Result<toml::table> table = parse_toml(toml_text, origin);
  if (!table) return std::unexpected(table.error());
  Recipe recipe;
  TomlReader reader(*table, origin);
  reader.text("name", recipe.name);
  reader.count("batch", recipe.batch, Range{1, 65536});
  reader.real("sample_weighting", recipe.sample_weighting, unit_range);
  reader.choice("merge_weight", recipe.merge_weight, merge_weight_names);
  if (reader.is_text("oracle", "votes")) {
    read_ledger(reader, recipe.method.emplace<LedgerRecipe>());
  } else {
    read_gossip(reader, recipe.gossip());
  }
  if (auto read = reader.finish(); !read) return std::unexpected(read.error());
  if (recipe.name.empty()) return invalid_input(std::string(origin) + ": key 'name' is missing");
  if (auto fits = check_fit(recipe, origin); !fits) return std::unexpected(fits.error());
  return recipe;
}

}  // namespace starling::optim
