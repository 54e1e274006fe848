#include "model/dataset.h"

#include <algorithm>
#include <utility>

#include "starling/check.h"

namespace starling::model {

Dataset take_rows(const Dataset& data, std::span<const std::uint32_t> rows) {
  Dataset taken{{}, {}, data.feature_count, data.class_count};
  taken.features.reserve(rows.size() * data.feature_count);
  taken.labels.reserve(rows.size());
  for (const std::uint32_t row : rows) {
    STARLING_CHECK(row < data.size());
    const auto features = data.row(row);
    taken.features.insert(taken.features.end(), features.begin(), features.end());
    taken.labels.push_back(data.labels[row]);
  }
  return taken;
}

SplitDataset hold_out_tenth(const Dataset& data) {
  std::vector<std::uint32_t> train;
  std::vector<std::uint32_t> test;
  for (std::uint32_t row = 0; row < data.size(); ++row) {
    // Row 1, 11, ...: any file of two rows or more gives both parts, also when sorted by label.
    (row % 10 == 1 ? test : train).push_back(row);
  }
  return {take_rows(data, train), take_rows(data, test)};
}

void widen_features(Dataset& data, std::size_t feature_count) {
  STARLING_CHECK(feature_count >= data.feature_count);
  if (feature_count == data.feature_count) return;
  std::vector<float> wide(data.size() * feature_count, 0.0F);
  for (std::size_t sample = 0; sample < data.size(); ++sample) {
    std::ranges::copy(data.row(sample), wide.data() + sample * feature_count);
  }
  data.features = std::move(wide);
  data.feature_count = feature_count;
}

void standardize(Dataset& data, float mean, float deviation) {
  STARLING_CHECK(deviation > 0);
  for (float& value : data.features) value = (value - mean) / deviation;
}

}  // namespace starling::model
