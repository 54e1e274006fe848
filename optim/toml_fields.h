#pragma once
// Reading and printing a list of fields as TOML: the two visitors of recipe_fields.h and of other
// files that people write. Includes toml++, so it belongs in .cpp files only.

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "optim/fields.h"
#include "starling/result.h"

namespace starling::optim {

/// Error: invalid_input with origin, line and reason.
[[nodiscard]] Result<toml::table> parse_toml(std::string_view text, std::string_view origin);

// The shortest text that reads back as the same number, the same on every machine.
[[nodiscard]] inline std::string number_text(double value) {
  char buffer[32];
  const auto end = std::to_chars(std::begin(buffer), std::end(buffer), value).ptr;
  return {std::begin(buffer), end};
}

class TomlPrinter {
 public:
  void section(std::string_view key) { text_.append("[").append(key).append("]\n"); }
  void text(std::string_view key, const std::string& value) {
    line(key, std::string("\"").append(value).append("\""));
  }
  void patterns(std::string_view key, const std::string& value) { text(key, value); }
  template <class Choice, std::size_t N>
  void choice(std::string_view key, Choice value, const ChoiceNames<Choice, N>& names) {
    text(key, std::string(name_of(value, names)));
  }
  void real(std::string_view key, double value, Range /*range*/) { line(key, number_text(value)); }
  template <std::unsigned_integral Count>
  void count(std::string_view key, Count value, Range /*range*/) {
    line(key, std::to_string(value));
  }
  /// One of a closed set of plain words.
  void word(std::string_view key, std::string_view value) { text(key, std::string(value)); }
  /// Lines that another printer has printed.
  void append(std::string_view lines) { text_ += lines; }
  /// value: without three apostrophes in a row.
  void lines(std::string_view key, const std::string& value) {
    line(key, std::string("'''\n").append(value).append("'''"));
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void line(std::string_view key, const std::string& value) {
    text_ += std::string(key) + " = " + value + "\n";
  }
  std::string text_;
};

/// A factor for each of fifty layers.
inline constexpr std::size_t patterns_size_max = 1000;

// Fills the fields it is shown from a table and keeps the first error.
class TomlReader {
 public:
  TomlReader(const toml::table& root, std::string_view origin)
      : root_(root), table_(&root), origin_(origin) {}

  void section(std::string_view key) {
    known_.emplace_back(key);
    const toml::node* node = root_.get(key);
    table_ = node != nullptr ? node->as_table() : nullptr;
    if (node != nullptr && table_ == nullptr) fail(key, *node, "a table");
    prefix_ = std::string(key) + ".";
  }

  /// Back to the keys outside all tables.
  void root() {
    table_ = &root_;
    prefix_.clear();
  }

  /// True if `key` outside all tables is a text, and this one if one is given.
  [[nodiscard]] bool is_text(std::string_view key, std::string_view expected = {}) const {
    const auto seen = root_[key].value_exact<std::string>();
    return seen && (expected.empty() || *seen == expected);
  }

  /// The index of the choice that is seen; nothing if the key is absent or no choice.
  [[nodiscard]] std::optional<std::size_t> one_of(std::string_view key,
                                                  std::span<const std::string_view> choices) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    const auto seen = node->value_exact<std::string>();
    std::string allowed;
    for (std::size_t i = 0; i < choices.size(); ++i) {
      if (seen && *seen == choices[i]) return i;
      allowed += (i == 0 ? "'" : ", '") + std::string(choices[i]) + "'";
    }
    fail(key, *node, (choices.size() > 1 ? "one of " : "") + allowed);
    return std::nullopt;
  }

  /// A key that may not be here, with the reason.
  void refuse(std::string_view key, const std::string& reason) {
    const toml::node* node = table_ != nullptr ? table_->get(key) : nullptr;
    if (node == nullptr || !error_.empty()) return;
    const std::string value = node->is_value() ? " = " + text_of(*node) : "";
    error_ = std::string(origin_) + ": " + prefix_ + std::string(key) + value + " " + reason;
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

  /// Names with wildcards and what is assigned to them; may be empty.
  void patterns(std::string_view key, std::string& value) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto seen = node->value_exact<std::string>();
    const auto plain = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             std::string_view("-_./*=, ").contains(c);
    };
    if (!seen || seen->size() > patterns_size_max || !std::ranges::all_of(*seen, plain)) {
      return fail(key, *node, "up to 1000 of the characters a-z A-Z 0-9 - _ . / * = , and space");
    }
    value = *seen;
  }

  template <class Choice, std::size_t N>
  void choice(std::string_view key, Choice& value, const ChoiceNames<Choice, N>& names) {
    std::array<std::string_view, N> choices;
    std::ranges::transform(names, choices.begin(), [](const auto& each) { return each.second; });
    if (const auto index = one_of(key, choices)) value = names[*index].first;
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

  template <std::unsigned_integral Count>
  void count(std::string_view key, Count& value, Range range) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto seen = node->value_exact<std::int64_t>();
    if (!seen || static_cast<double>(*seen) < range.lowest ||
        static_cast<double>(*seen) > range.highest) {
      return fail(key, *node, "a whole number" + range_text(range));
    }
    value = static_cast<Count>(*seen);
  }

  /// Any text: a path, or several lines.
  void lines(std::string_view key, std::string& value) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto seen = node->value_exact<std::string>();
    if (!seen || seen->empty()) return fail(key, *node, "a text that is not empty");
    value = *seen;
  }

  void flag(std::string_view key, bool& value) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto seen = node->value_exact<bool>();
    if (!seen) return fail(key, *node, "true, false");
    value = *seen;
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
    error_ = std::string(origin_) + ": " + prefix_ + std::string(key) + " = " + text_of(seen) +
             "; allowed: " + allowed;
  }

  [[nodiscard]] static std::string text_of(const toml::node& node) {
    std::ostringstream value;
    node.visit([&value](const auto& typed) { value << typed; });
    return value.str();
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

}  // namespace starling::optim
