#include "model/text_data.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

namespace starling::model {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// Foreign text in a message: printable and short.
std::string quoted(std::string_view text) {
  constexpr std::size_t shown_max = 24;
  std::string shown = "'";
  for (const char c : text.substr(0, shown_max)) shown += c >= ' ' && c <= '~' ? c : '?';
  return shown + (text.size() > shown_max ? "...'" : "'");
}

/// The whole of `text` as a number, or nothing.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  Number value{};
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

/// Hands out the non-empty lines of a file and words the errors about them.
class LineReader {
 public:
  explicit LineReader(const NamedBytes& file)
      : name_(file.name),
        rest_(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()) {}

  std::optional<std::string_view> next() {
    while (!rest_.empty()) {
      const auto end = std::min(rest_.find('\n'), rest_.size());
      const std::string_view line = trimmed(rest_.substr(0, end));
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
      ++number_;
      if (!line.empty()) return line;
    }
    return std::nullopt;
  }

  [[nodiscard]] std::unexpected<Error> error(const std::string& text) const {
    return invalid_input(name_ + ":" + std::to_string(number_) + ": " + text);
  }

 private:
  std::string name_;
  std::string_view rest_;
  std::size_t number_ = 0;
};

Result<float> parse_feature(const LineReader& lines, std::string_view text) {
  const auto value = parse_number<float>(text);
  if (!value || !std::isfinite(*value)) {
    return lines.error("feature is " + quoted(text) + ", expected a finite number");
  }
  return *value;
}

Result<Label> parse_label(const LineReader& lines, std::string_view text, std::size_t classes_max) {
  const auto value = parse_number<double>(text);  // "3.0" is common in exported tables
  if (!value || !(*value >= 0 && *value < static_cast<double>(classes_max)) ||
      *value != std::floor(*value)) {
    return lines.error("label is " + quoted(text) + ", expected a whole number from 0 to " +
                       std::to_string(classes_max - 1));
  }
  return static_cast<Label>(*value);
}

Result<Dataset> finish(Dataset data, const NamedBytes& file) {
  if (data.labels.empty()) {
    return invalid_input(std::string(file.name) + ": no sample in " +
                         std::to_string(file.bytes.size()) + " bytes, expected at least 1");
  }
  data.class_count = std::size_t{*std::max_element(data.labels.begin(), data.labels.end())} + 1;
  return data;
}

std::vector<std::string_view> split_fields(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::size_t begin = 0; begin <= line.size();) {
    const auto end = std::min(line.find(',', begin), line.size());
    fields.push_back(trimmed(line.substr(begin, end - begin)));
    begin = end + 1;
  }
  return fields;
}

bool is_header(const std::vector<std::string_view>& fields) {
  return std::none_of(fields.begin(), fields.end(), [](std::string_view field) {
    return field.empty() || parse_number<double>(field).has_value();
  });
}

/// The first line that holds a sample fixes the number of columns.
Result<void> check_shape(const LineReader& lines, std::size_t columns, const Dataset& data,
                         const DataLimits& limits) {
  const std::size_t expected = data.feature_count + 1;
  if (columns != expected) {
    return lines.error(std::to_string(columns) + " columns, expected " + std::to_string(expected) +
                       " as in the first sample");
  }
  if (columns < 2 || data.feature_count > limits.features_max) {
    return lines.error(std::to_string(columns) + " columns, expected 2 to " +
                       std::to_string(limits.features_max + 1));
  }
  if (data.features.size() + data.feature_count > limits.values_max) {
    return lines.error("more than " + std::to_string(limits.values_max) + " values in all");
  }
  return {};
}

Result<void> append_csv_row(const LineReader& lines, std::span<const std::string_view> features,
                            Dataset& data) {
  for (const std::string_view field : features) {
    const auto value = parse_feature(lines, field);
    if (!value) return std::unexpected(value.error());
    data.features.push_back(*value);
  }
  return {};
}

struct SparseEntry {
  std::size_t row;
  std::size_t column;
  float value;
};

Result<SparseEntry> parse_entry(const LineReader& lines, std::string_view text,
                                std::size_t features_max) {
  const auto colon = text.find(':');
  const auto index = colon == std::string_view::npos
                         ? std::nullopt
                         : parse_number<std::uint64_t>(text.substr(0, colon));
  if (!index || *index < 1 || *index > features_max) {
    return lines.error("entry is " + quoted(text) +
                       ", expected index:value with an index from 1 to " +
                       std::to_string(features_max));
  }
  const auto value = parse_feature(lines, text.substr(colon + 1));
  if (!value) return std::unexpected(value.error());
  return SparseEntry{0, static_cast<std::size_t>(*index - 1), *value};
}

/// Cuts the first word off `line`.
std::string_view take_word(std::string_view& line) {
  const auto end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view word = line.substr(0, end);
  line = trimmed(line.substr(end));
  return word;
}

/// Appends the entries of one line; `line` no longer holds its label.
Result<void> append_entries(const LineReader& lines, std::string_view line, std::size_t row,
                            std::vector<SparseEntry>& entries, std::size_t features_max) {
  std::size_t column_next = 0;
  while (!line.empty()) {
    auto entry = parse_entry(lines, take_word(line), features_max);
    if (!entry) return std::unexpected(entry.error());
    if (entry->column < column_next) {
      return lines.error("index " + std::to_string(entry->column + 1) + " after index " +
                         std::to_string(column_next) + ", expected rising indices");
    }
    column_next = entry->column + 1;
    entry->row = row;
    entries.push_back(*entry);
  }
  return {};
}

}  // namespace

Result<Dataset> parse_csv(const NamedBytes& file, LabelColumn label, const DataLimits& limits) {
  Dataset data;
  LineReader lines(file);
  bool first_line = true;
  while (const auto line = lines.next()) {
    const auto fields = split_fields(*line);
    if (std::exchange(first_line, false) && is_header(fields)) continue;
    if (data.labels.empty()) data.feature_count = fields.size() - 1;
    if (auto shape = check_shape(lines, fields.size(), data, limits); !shape) {
      return std::unexpected(shape.error());
    }
    const bool at_front = label == LabelColumn::first;
    const auto sample_label =
        parse_label(lines, at_front ? fields.front() : fields.back(), limits.classes_max);
    if (!sample_label) return std::unexpected(sample_label.error());
    const auto features = std::span(fields).subspan(at_front ? 1 : 0, data.feature_count);
    if (auto row = append_csv_row(lines, features, data); !row) {
      return std::unexpected(row.error());
    }
    data.labels.push_back(*sample_label);
  }
  return finish(std::move(data), file);
}

Result<Dataset> parse_libsvm(const NamedBytes& file, const DataLimits& limits) {
  Dataset data;
  LineReader lines(file);
  std::vector<SparseEntry> entries;
  while (auto line = lines.next()) {
    const std::string_view word = take_word(*line);
    const auto label = parse_label(lines, word == "-1" ? "0" : word, limits.classes_max);
    if (!label) return std::unexpected(label.error());
    auto added = append_entries(lines, *line, data.size(), entries, limits.features_max);
    if (!added) return std::unexpected(added.error());
    data.labels.push_back(*label);
  }
  for (const SparseEntry& entry : entries) {
    data.feature_count = std::max(data.feature_count, entry.column + 1);
  }
  if (data.size() > 0 && data.feature_count == 0) return lines.error("no feature in any line");
  if (data.size() > 0 && data.feature_count > limits.values_max / data.size()) {
    return lines.error(std::to_string(data.size()) + " x " + std::to_string(data.feature_count) +
                       " values, allowed " + std::to_string(limits.values_max));
  }
  data.features.assign(data.size() * data.feature_count, 0.0F);
  for (const SparseEntry& entry : entries) {
    data.features[entry.row * data.feature_count + entry.column] = entry.value;
  }
  return finish(std::move(data), file);
}

}  // namespace starling::model
