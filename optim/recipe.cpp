#include "optim/recipe.h"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <utility>

#include "optim/builtin_recipes.h"
#include "optim/recipe_fields.h"
#include "optim/recipe_rules.h"

namespace starling::optim {
namespace {

// The shortest text that reads back as the same number, the same on every machine.
[[nodiscard]] std::string number_text(double value) {
  char buffer[32];
  const auto end = std::to_chars(std::begin(buffer), std::end(buffer), value).ptr;
  return {std::begin(buffer), end};
}

class Printer {
 public:
  void section(std::string_view key) { text_.append("[").append(key).append("]\n"); }
  void text(std::string_view key, const std::string& value) {
    line(key, std::string("\"").append(value).append("\""));
  }
  template <class Choice, std::size_t N>
  void choice(std::string_view key, Choice value, const ChoiceNames<Choice, N>& names) {
    text(key, std::string(name_of(value, names)));
  }
  void real(std::string_view key, double value, Range /*range*/) { line(key, number_text(value)); }
  void count(std::string_view key, std::uint32_t value, Range /*range*/) {
    line(key, std::to_string(value));
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void line(std::string_view key, const std::string& value) {
    text_ += std::string(key) + " = " + value + "\n";
  }
  std::string text_;
};

// Fills the fields it is shown from a table and keeps the first error.
class Reader {
 public:
  Reader(const toml::table& root, std::string_view origin)
      : root_(root), table_(&root), origin_(origin) {}

  void section(std::string_view key) {
    known_.emplace_back(key);
    const toml::node* node = root_.get(key);
    table_ = node != nullptr ? node->as_table() : nullptr;
    if (node != nullptr && table_ == nullptr) fail(key, *node, "a table");
    prefix_ = std::string(key) + ".";
  }

  void text(std::string_view key, std::string& value) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto seen = node->value_exact<std::string>();
    const auto plain = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    };
    if (!seen || seen->empty() || seen->size() > 64 || !std::ranges::all_of(*seen, plain)) {
      return fail(key, *node, "1 to 64 of the characters a-z 0-9 - _");
    }
    value = *seen;
  }

  template <class Choice, std::size_t N>
  void choice(std::string_view key, Choice& value, const ChoiceNames<Choice, N>& names) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto seen = node->value_exact<std::string>();
    std::string allowed;
    for (const auto& [candidate, name] : names) {
      if (seen && *seen == name) {
        value = candidate;
        return;
      }
      allowed += (allowed.empty() ? "'" : ", '") + std::string(name) + "'";
    }
    fail(key, *node, "one of " + allowed);
  }

  void real(std::string_view key, double& value, Range range) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto seen = node->value<double>();
    if (!seen || !(*seen >= range.lowest && *seen <= range.highest)) {
      return fail(key, *node, "a number" + range_text(range));
    }
    value = *seen;
  }

  void count(std::string_view key, std::uint32_t& value, Range range) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto seen = node->value_exact<std::int64_t>();
    if (!seen || static_cast<double>(*seen) < range.lowest ||
        static_cast<double>(*seen) > range.highest) {
      return fail(key, *node, "a whole number" + range_text(range));
    }
    value = static_cast<std::uint32_t>(*seen);
  }

  /// The first error of all fields, or else the first key that no field has.
  [[nodiscard]] Result<void> finish() {
    check_known(root_, "");
    for (const auto& [key, node] : root_) {
      if (node.is_table()) check_known(*node.as_table(), std::string(key.str()) + ".");
    }
    if (!error_.empty()) return invalid_input(error_);
    return {};
  }

 private:
  [[nodiscard]] const toml::node* take(std::string_view key) {
    known_.push_back(prefix_ + std::string(key));
    return table_ != nullptr ? table_->get(key) : nullptr;
  }

  [[nodiscard]] static std::string range_text(Range range) {
    return " from " + number_text(range.lowest) + " to " + number_text(range.highest);
  }

  void fail(std::string_view key, const toml::node& seen, const std::string& allowed) {
    if (!error_.empty()) return;
    std::ostringstream value;
    seen.visit([&value](const auto& typed) { value << typed; });
    error_ = std::string(origin_) + ": " + prefix_ + std::string(key) + " = " + value.str() +
             "; allowed: " + allowed;
  }

  void check_known(const toml::table& table, const std::string& prefix) {
    for (const auto& [key, node] : table) {
      const std::string full = prefix + std::string(key.str());
      if (!error_.empty() || std::ranges::find(known_, full) != known_.end()) continue;
      error_ = std::string(origin_) + ": unknown key '" + full + "'; allowed:";
      for (const std::string& known : known_) error_ += " " + known;
    }
  }

  const toml::table& root_;
  const toml::table* table_;
  std::string_view origin_;
  std::string prefix_;
  std::vector<std::string> known_;
  std::string error_;
};

[[nodiscard]] bool is_ascii(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return (c & 0x80) != 0; });
}

// toml++ 3.3 runs into undefined behaviour on letters outside ASCII and on a table's name that does
// not begin like a key (tests/fuzz/recipe.cpp found both); recipes need neither.
[[nodiscard]] Result<void> check_plain_text(std::string_view text, std::string_view origin) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t start = line.find_first_not_of(" \t");
    const bool opens = start != std::string_view::npos && line[start] == '[';
    const bool named =
        opens && start + 1 < line.size() && line[start + 1] >= 'a' && line[start + 1] <= 'z';
    const auto refuse = [&](std::string_view reason) {
      return invalid_input(std::string(origin) + ":" + std::to_string(number) + ": " +
                           std::string(reason));
    };
    if (!is_ascii(line)) return refuse("a character outside ASCII; allowed: plain ASCII text");
    if (opens && !named) return refuse("a table that is not named; allowed: [inner], [codec], ...");
  }
  return {};
}

}  // namespace

std::string Recipe::canonical_text() const {
  Printer printer;
  visit_recipe(*this, printer);
  return printer.take();
}

Result<Recipe> parse_recipe(std::string_view toml_text, std::string_view origin) {
  if (auto plain = check_plain_text(toml_text, origin); !plain) {
    return std::unexpected(plain.error());
  }
  const toml::parse_result parsed = toml::parse(toml_text);
  if (!parsed) {
    const auto at = parsed.error().source().begin;
    return invalid_input(std::string(origin) + ":" + std::to_string(at.line) + ": " +
                         std::string(parsed.error().description()));
  }
  Recipe recipe;
  Reader reader(parsed.table(), origin);
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
