#pragma once
// The catalogs as lists for people and programs: one source for `starling recipes` and the tables
// of docs/RECIPES.md.

#include <string>

namespace starling::cli {

/// One JSON object: {"recipes": [{name, summary}], "axes": [{axis, meaning, form, fields, parts:
/// [{name, id, default, meaning, source, fields}]}], "ledger": {oracle, fields}}. A field has key,
/// type, default, meaning, and lowest and highest, or choices.
[[nodiscard]] std::string recipe_tables_json();

/// For a terminal.
[[nodiscard]] std::string recipe_tables_text();

/// Tables in Markdown.
[[nodiscard]] std::string recipe_tables_markdown();

}  // namespace starling::cli
