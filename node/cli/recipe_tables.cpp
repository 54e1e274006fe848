#include "node/cli/recipe_tables.h"

#include <nlohmann/json.hpp>
#include <string_view>

#include "optim/builtin_recipes.h"
#include "optim/recipe_axes.h"
#include "optim/recipe_fields.h"

namespace starling::cli {
namespace {

using nlohmann::ordered_json;
using optim::Field;
using optim::FieldKind;

[[nodiscard]] ordered_json number(double value, FieldKind kind) {
  if (kind == FieldKind::real) return value;
  return static_cast<std::int64_t>(value);
}

[[nodiscard]] ordered_json field_json(const Field& field) {
  ordered_json json{{"key", field.key}};
  if (field.kind == FieldKind::choice) {
    json["type"] = "choice";
    json["default"] = field.choices[static_cast<std::size_t>(field.preset)];
    json["choices"] = field.choices;
  } else {
    json["type"] = field.kind == FieldKind::real ? "real" : "count";
    json["default"] = number(field.preset, field.kind);
    json["lowest"] = number(field.range.lowest, field.kind);
    json["highest"] = number(field.range.highest, field.kind);
  }
  json["meaning"] = field.meaning;
  return json;
}

[[nodiscard]] ordered_json fields_json(std::span<const Field> fields) {
  ordered_json json = ordered_json::array();
  for (const Field& field : fields) json.push_back(field_json(field));
  return json;
}

/// Collects the fields of a ledger's recipe.
struct ListLedger {
  ordered_json fields = ordered_json::array();

  template <class Choice, std::size_t N>
  void choice(std::string_view key, Choice value, const optim::ChoiceNames<Choice, N>& names,
              std::string_view meaning) {
    ordered_json choices = ordered_json::array();
    for (const auto& [each, name] : names) choices.push_back(name);
    fields.push_back({{"key", key},
                      {"type", "choice"},
                      {"default", name_of(value, names)},
                      {"choices", choices},
                      {"meaning", meaning}});
  }
  void real(std::string_view key, double value, optim::Range range, std::string_view meaning) {
    add(key, value, range, FieldKind::real, meaning);
  }
  void count(std::string_view key, std::uint32_t value, optim::Range range,
             std::string_view meaning) {
    add(key, value, range, FieldKind::count, meaning);
  }
  void patterns(std::string_view key, const std::string& value, std::string_view meaning) {
    fields.push_back({{"key", key}, {"type", "text"}, {"default", value}, {"meaning", meaning}});
  }
  void add(std::string_view key, double value, optim::Range range, FieldKind kind,
           std::string_view meaning) {
    fields.push_back(field_json(
        {.key = key, .kind = kind, .range = range, .preset = value, .meaning = meaning}));
  }
};

/// The comment at the head of a recipe's file.
[[nodiscard]] std::string summary_of(std::string_view text) {
  std::string summary;
  while (text.starts_with("# ")) {
    const std::size_t end = text.find('\n');
    summary += (summary.empty() ? "" : " ") + std::string(text.substr(2, end - 2));
    text.remove_prefix(std::min(end, text.size() - 1) + 1);
  }
  return summary;
}

[[nodiscard]] ordered_json axes_json() {
  ordered_json axes = ordered_json::array();
  const optim::GossipRecipe recipe;
  optim::for_each_axis(recipe, [&](const auto& catalog, const auto& /*chosen*/) {
    const optim::Axis& axis = catalog.axis();
    ordered_json parts = ordered_json::array();
    for (const auto* row : catalog.rows()) {
      parts.push_back({{"name", row->name},
                       {"id", row->id},
                       {"default", row == &catalog.preset()},
                       {"meaning", row->meaning},
                       {"source", row->source},
                       {"fields", fields_json(row->fields)}});
    }
    axes.push_back({{"axis", axis.key},
                    {"meaning", axis.meaning},
                    {"form", axis.form == optim::AxisForm::table ? "table" : "flat"},
                    {"fields", fields_json(axis.shared_fields)},
                    {"parts", parts}});
  });
  return axes;
}

[[nodiscard]] std::string plain_text(const ordered_json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

[[nodiscard]] std::string values_of(const ordered_json& field) {
  if (field.contains("choices")) {
    std::string text;
    for (const auto& choice : field["choices"]) {
      text += (text.empty() ? "" : ", ") + choice.get<std::string>();
    }
    return text;
  }
  if (!field.contains("lowest")) return "text";
  const bool above_zero =
      field["lowest"].is_number_float() && field["lowest"] > 0.0 && field["lowest"] < 1e-300;
  return (above_zero ? "above 0" : field["lowest"].dump()) + " to " + field["highest"].dump();
}

[[nodiscard]] std::string field_row(const std::string& key, const ordered_json& field,
                                    const std::string& of) {
  const std::string preset = plain_text(field["default"]);
  return "| `" + key + "` | " + of + " | " + values_of(field) + " | " +
         (preset.empty() ? "none" : preset) + " | " + field["meaning"].get<std::string>() + " |\n";
}

[[nodiscard]] std::string key_of(const ordered_json& axis, const ordered_json& field) {
  const std::string key = field["key"].get<std::string>();
  return axis["form"] == "flat" ? key : axis["axis"].get<std::string>() + "." + key;
}

[[nodiscard]] std::string axis_markdown(const ordered_json& axis) {
  const std::string key = axis["axis"].get<std::string>();
  std::string parts = "| `" + key + "` | what it is | source |\n|---|---|---|\n";
  std::string fields;
  for (const auto& field : axis["fields"]) fields += field_row(key_of(axis, field), field, "all");
  for (const auto& part : axis["parts"]) {
    const std::string name = part["name"].get<std::string>();
    parts += "| `" + name + "`" + (part["default"].get<bool>() ? " (default)" : "") + " | " +
             part["meaning"].get<std::string>() + " | " + part["source"].get<std::string>() +
             " |\n";
    for (const auto& field : part["fields"]) {
      fields += field_row(key_of(axis, field), field, "`" + name + "`");
    }
  }
  std::string text = "### " + key + ": " + axis["meaning"].get<std::string>() + "\n\n" + parts;
  if (!fields.empty()) {
    text += "\n| key | of | values | default | meaning |\n|---|---|---|---|---|\n" + fields;
  }
  return text + "\n";
}

ordered_json tables_json() {
  ordered_json recipes = ordered_json::array();
  for (const optim::BuiltinRecipe& recipe : optim::builtin_recipes()) {
    recipes.push_back({{"name", recipe.name}, {"summary", summary_of(recipe.text)}});
  }
  ListLedger ledger;
  const optim::LedgerRecipe presets;
  optim::visit_ledger(presets, ledger);
  return {{"recipes", recipes},
          {"axes", axes_json()},
          {"ledger", {{"oracle", "votes"}, {"fields", ledger.fields}}}};
}

}  // namespace

std::string recipe_tables_json() {
  return tables_json().dump();
}

std::string recipe_tables_text() {
  const ordered_json tables = tables_json();
  std::string text = "Recipes (starling recipes NAME prints one):\n";
  const auto row = [&](const std::string& name, const std::string& meaning) {
    text += "  " + name + std::string(std::max<std::size_t>(name.size(), 18) - name.size(), ' ') +
            "  " + meaning + "\n";
  };
  for (const auto& recipe : tables["recipes"]) row(recipe["name"], recipe["summary"]);
  for (const auto& axis : tables["axes"]) {
    text +=
        "\n" + axis["axis"].get<std::string>() + ": " + axis["meaning"].get<std::string>() + "\n";
    for (const auto& part : axis["parts"]) row(part["name"], part["meaning"]);
  }
  return text + "\nKeys, ranges and sources: starling recipes --json, docs/RECIPES.md\n";
}

std::string recipe_tables_markdown() {
  const ordered_json tables = tables_json();
  std::string text;
  for (const auto& axis : tables["axes"]) text += axis_markdown(axis);
  text +=
      "### votes: the ledger, with oracle `votes`\n\n"
      "| key | of | values | default | meaning |\n|---|---|---|---|---|\n";
  for (const auto& field : tables["ledger"]["fields"]) {
    text += field_row("votes." + field["key"].get<std::string>(), field, "`votes`");
  }
  return text;
}

}  // namespace starling::cli
