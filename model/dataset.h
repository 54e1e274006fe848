#pragma once
// Labelled samples in memory, and their checks. Nothing here opens a file.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "starling/ids.h"
#include "starling/result.h"

namespace starling::model {

using Label = std::uint16_t;

/// n samples of d features. Every label is below class_count, every feature finite.
struct Dataset {
  std::vector<float> features;  ///< n x d, row-major.
  std::vector<Label> labels;    ///< n.
  std::size_t feature_count = 0;
  std::size_t class_count = 0;

  [[nodiscard]] std::size_t size() const { return labels.size(); }
  [[nodiscard]] std::span<const float> row(std::size_t sample) const {
    return std::span(features).subspan(sample * feature_count, feature_count);
  }
};

/// What is learnt from and what quality is measured on.
struct SplitDataset {
  Dataset train;
  Dataset test;
};

/// Bytes with the path that messages name.
struct NamedBytes {
  std::string_view name;
  ByteSpan bytes;
};

/// Bounds checked before anything is allocated.
struct DataLimits {
  std::size_t features_max = std::size_t{1} << 20U;  ///< Per sample; our guess, untuned.
  std::size_t values_max = std::size_t{1} << 30U;    ///< n x d: 4 GiB of floats.
  std::size_t classes_max = 1000;                    ///< ImageNet has 1000.
};

/// Chooses the rows to keep, given all labels; lets a node decode its own share only.
using RowSelector =
    std::function<Result<std::vector<std::uint32_t>>(std::span<const Label> labels)>;

/// The given rows, in the given order. rows: each below data.size().
[[nodiscard]] Dataset take_rows(const Dataset& data, std::span<const std::uint32_t> rows);

/// Every tenth sample becomes test data, the others training data; both keep their order.
/// data.size() >= 2, or the test part is empty.
[[nodiscard]] SplitDataset hold_out_tenth(const Dataset& data);

/// Appends zero features until there are `feature_count` (>= data.feature_count).
void widen_features(Dataset& data, std::size_t feature_count);

/// features <- (features - mean) / deviation. deviation > 0.
void standardize(Dataset& data, float mean, float deviation);

}  // namespace starling::model
