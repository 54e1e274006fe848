// A recipe's canonical text: what it uses, and of that what differs from the presets.

#include <string>
#include <string_view>

#include "optim/recipe_axes.h"
#include "optim/recipe_fields.h"
#include "optim/toml_fields.h"

namespace starling::optim {
namespace {

void print_item(TomlPrinter& printer, const Settings::Item& item) {
  const Field& field = *item.field;
  if (item.value == field.preset) return;
  if (field.kind == FieldKind::choice) {
    printer.word(field.key, field.choices[static_cast<std::size_t>(item.value)]);
  } else {
    printer.real(field.key, item.value, field.range);
  }
}

[[nodiscard]] bool is_preset(const Settings& settings) {
  return std::ranges::all_of(settings.items(), [](const Settings::Item& item) {
    return item.value == item.field->preset;
  });
}

/// The keys at the head: flat axes, and tables of which nothing but the kind would be said.
struct PrintHead {
  TomlPrinter& printer;
  template <class Entry>
  void operator()(const Catalog<Entry>& catalog, const Chosen<Entry>& chosen) const {
    const bool is_flat = catalog.axis().form == AxisForm::flat;
    if (!is_flat && !is_preset(chosen.settings)) return;
    if (chosen.part != &catalog.preset()) printer.word(catalog.axis().key, chosen.name());
    for (const Settings::Item& item : chosen.settings.items()) print_item(printer, item);
  }
};

struct PrintTables {
  TomlPrinter& printer;
  template <class Entry>
  void operator()(const Catalog<Entry>& catalog, const Chosen<Entry>& chosen) const {
    if (catalog.axis().form == AxisForm::flat || is_preset(chosen.settings)) return;
    printer.section(catalog.axis().key);
    if (chosen.part != &catalog.preset()) printer.word("kind", chosen.name());
    for (const Settings::Item& item : chosen.settings.items()) print_item(printer, item);
  }
};

/// Prints the fields in which `ledger` differs from a new one, which is walked beside it.
class PrintLedger {
 public:
  PrintLedger(TomlPrinter& printer, const LedgerRecipe& ledger) : printer_(printer) {
    PrintAll all;
    PrintAll presets;
    visit_ledger(ledger, all);
    const LedgerRecipe fresh;
    visit_ledger(fresh, presets);
    for (std::size_t i = 0; i < all.lines.size(); ++i) {
      if (all.lines[i] != presets.lines[i]) lines_ += all.lines[i];
    }
  }
  void print() const {
    if (lines_.empty()) return;
    printer_.section("votes");
    printer_.append(lines_);
  }

 private:
  struct PrintAll {
    std::vector<std::string> lines;

    template <class Choice, std::size_t N>
    void choice(std::string_view key, Choice value, const ChoiceNames<Choice, N>& names,
                std::string_view /*meaning*/) {
      add([&](TomlPrinter& one) { one.choice(key, value, names); });
    }
    void real(std::string_view key, double value, Range range, std::string_view /*meaning*/) {
      add([&](TomlPrinter& one) { one.real(key, value, range); });
    }
    void count(std::string_view key, std::uint32_t value, Range range,
               std::string_view /*meaning*/) {
      add([&](TomlPrinter& one) { one.count(key, value, range); });
    }
    void patterns(std::string_view key, const std::string& value, std::string_view /*meaning*/) {
      add([&](TomlPrinter& one) { one.text(key, value); });
    }
    template <class Print>
    void add(Print print) {
      TomlPrinter one;
      print(one);
      lines.push_back(one.take());
    }
  };

  TomlPrinter& printer_;
  std::string lines_;
};

}  // namespace

std::string Recipe::canonical_text() const {
  const Recipe fresh;
  TomlPrinter printer;
  printer.text("name", name);
  if (as_ledger() != nullptr) printer.word("oracle", "votes");
  if (batch != fresh.batch) printer.count("batch", batch, {});
  if (sample_weighting != fresh.sample_weighting) {
    printer.real("sample_weighting", sample_weighting, {});
  }
  if (merge_weight != fresh.merge_weight) {
    printer.choice("merge_weight", merge_weight, merge_weight_names);
  }
  if (const LedgerRecipe* ledger = as_ledger()) {
    PrintLedger(printer, *ledger).print();
    return printer.take();
  }
  if (gossip().consensus_step != GossipRecipe().consensus_step) {
    printer.real("consensus_step", gossip().consensus_step, {});
  }
  for_each_axis(gossip(), PrintHead{printer});
  for_each_axis(gossip(), PrintTables{printer});
  return printer.take();
}

}  // namespace starling::optim
