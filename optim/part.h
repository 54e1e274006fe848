#pragma once
// A method is a composition: one part for each axis (docs/METHODS.md). Each axis has a closed
// catalog of the parts there are; reading, printing, checking, help texts and tables come from it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "optim/fields.h"

namespace starling::optim {

enum class FieldKind : std::uint8_t { real, count, choice };

/// A key of a part's table.
struct Field {
  std::string_view key;
  FieldKind kind = FieldKind::real;
  Range range{0, 1};  ///< Of a choice: of the index in `choices`.
  double preset = 0;  ///< The value where the key is left out; it never changes in a later version.
  std::string_view meaning;
  std::span<const std::string_view> choices = {};
};

/// What an axis's catalog says of every part.
struct PartRow {
  std::uint8_t id = 0;    ///< On the wire and on disk; never given to another part.
  std::string_view name;  ///< In recipes.
  std::string_view meaning;
  std::string_view source = {};  ///< Paper, or where its constants were measured.
  std::span<const Field> fields = {};
};

/// The values of a part's fields.
class Settings {
 public:
  struct Item {
    const Field* field;
    double value;
  };
  Settings() = default;
  /// Every field at its preset.
  explicit Settings(std::initializer_list<std::span<const Field>> lists);

  [[nodiscard]] double real(std::string_view key) const { return item(key).value; }
  [[nodiscard]] std::uint32_t count(std::string_view key) const {
    return static_cast<std::uint32_t>(item(key).value);
  }
  /// The index in Field::choices.
  [[nodiscard]] std::size_t choice(std::string_view key) const {
    return static_cast<std::size_t>(item(key).value);
  }
  /// `value` lies in the field's range.
  void set(std::string_view key, double value);
  [[nodiscard]] bool has(std::string_view key) const;

  [[nodiscard]] std::span<const Item> items() const { return items_; }
  [[nodiscard]] std::span<Item> items() { return items_; }

 private:
  [[nodiscard]] const Item& item(std::string_view key) const;
  std::vector<Item> items_;
};

/// A part that can be made. Part<Scalar>::Site is what it is made for; Scalar is float in the
/// product, double in numeric checks below float's precision.
template <template <class> class Part, class PartTraits>
struct PartEntry : PartRow {
  using Traits = PartTraits;
  template <class Scalar>
  using Maker = std::unique_ptr<Part<Scalar>> (*)(const Settings&,
                                                  const typename Part<Scalar>::Site&);

  Traits (*traits)(const Settings&) = nullptr;
  Maker<float> make_float = nullptr;
  Maker<double> make_double = nullptr;

  template <class Scalar>
  [[nodiscard]] std::unique_ptr<Part<Scalar>> make(const Settings& settings,
                                                   const typename Part<Scalar>::Site& site) const {
    if constexpr (sizeof(Scalar) == sizeof(float)) {
      return make_float(settings, site);
    } else {
      return make_double(settings, site);
    }
  }
};

/// The entry of a class template Model, which is constructed from Settings and a Site.
template <class Entry, template <class> class Model>
[[nodiscard]] constexpr Entry make_entry(PartRow row,
                                         typename Entry::Traits (*traits)(const Settings&)) {
  Entry entry;
  static_cast<PartRow&>(entry) = row;
  entry.traits = traits;
  entry.make_float = [](const Settings& settings, const auto& site) {
    return decltype(entry.make_float(settings, site))(new Model<float>(settings, site));
  };
  entry.make_double = [](const Settings& settings, const auto& site) {
    return decltype(entry.make_double(settings, site))(new Model<double>(settings, site));
  };
  return entry;
}

/// A part with its settings, as a recipe has it.
template <class Entry>
struct Chosen {
  const Entry* part = nullptr;
  Settings settings;

  [[nodiscard]] std::string_view name() const { return part->name; }
  [[nodiscard]] auto traits() const { return part->traits(settings); }
  template <class Scalar, class Site>
  [[nodiscard]] auto make(const Site& site) const {
    return part->template make<Scalar>(settings, site);
  }
};

/// Where a recipe names the part of an axis.
enum class AxisForm : std::uint8_t {
  table,  ///< `codec = "sign"`, or a table [codec] with the key `kind` and the part's fields.
  flat,   ///< `clock = "rounds"`, with the part's fields beside it.
};

struct Axis {
  std::string_view key;
  std::string_view meaning;
  AxisForm form = AxisForm::table;
  std::span<const Field> shared_fields = {};  ///< That all parts of the axis have.
};

/// All parts of an axis; the first one is what a recipe has that names none.
template <class Entry>
class Catalog {
 public:
  constexpr Catalog(Axis axis, std::span<const Entry* const> rows) : axis_(axis), rows_(rows) {}

  [[nodiscard]] const Axis& axis() const { return axis_; }
  [[nodiscard]] std::span<const Entry* const> rows() const { return rows_; }
  [[nodiscard]] const Entry& preset() const { return *rows_.front(); }

  [[nodiscard]] Chosen<Entry> choose(const Entry& part) const {
    return {&part, Settings{axis_.shared_fields, part.fields}};
  }
  /// nullptr: there is no such part.
  [[nodiscard]] const Entry* find(std::string_view name) const {
    for (const Entry* row : rows_) {
      if (row->name == name) return row;
    }
    return nullptr;
  }
  /// For code: the part must exist, its fields too, and the values lie in their ranges.
  [[nodiscard]] Chosen<Entry> choose(
      std::string_view name,
      std::initializer_list<std::pair<std::string_view, double>> values = {}) const {
    Chosen<Entry> chosen = choose(*find(name));
    for (const auto& [key, value] : values) chosen.settings.set(key, value);
    return chosen;
  }

 private:
  Axis axis_;
  std::span<const Entry* const> rows_;
};

[[nodiscard]] constexpr Field real_field(std::string_view key, Range range, double preset,
                                         std::string_view meaning) {
  return {key, FieldKind::real, range, preset, meaning};
}

[[nodiscard]] constexpr Field count_field(std::string_view key, Range range, double preset,
                                          std::string_view meaning) {
  return {key, FieldKind::count, range, preset, meaning};
}

/// The first choice is the preset.
[[nodiscard]] constexpr Field choice_field(std::string_view key,
                                           std::span<const std::string_view> choices,
                                           std::string_view meaning) {
  const auto last = static_cast<double>(choices.size() - 1);
  return {key, FieldKind::choice, {0, last}, 0, meaning, choices};
}

}  // namespace starling::optim
