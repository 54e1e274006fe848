#include "optim/part.h"

#include <algorithm>

#include "starling/check.h"

namespace starling::optim {

Settings::Settings(std::initializer_list<std::span<const Field>> lists) {
  for (const std::span<const Field> fields : lists) {
    for (const Field& field : fields) items_.push_back({&field, field.preset});
  }
}

const Settings::Item& Settings::item(std::string_view key) const {
  const auto found =
      std::ranges::find_if(items_, [&](const Item& item) { return item.field->key == key; });
  STARLING_CHECK(found != items_.end());
  return *found;
}

bool Settings::has(std::string_view key) const {
  return std::ranges::any_of(items_, [&](const Item& item) { return item.field->key == key; });
}

void Settings::set(std::string_view key, double value) {
  const Item& found = item(key);
  STARLING_CHECK(value >= found.field->range.lowest && value <= found.field->range.highest);
  items_[static_cast<std::size_t>(&found - items_.data())].value = value;
}

}  // namespace starling::optim
