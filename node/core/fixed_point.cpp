#include "node/core/fixed_point.h"

#include <bit>
#include <cstring>

#include "starling/check.h"

namespace starling::node {

static_assert(std::endian::native == std::endian::little, "values are copied as they lie");

Bytes to_fixed_point(std::span<const std::int32_t> grid) {
  Bytes bytes(grid.size_bytes());
  if (!grid.empty()) std::memcpy(bytes.data(), grid.data(), grid.size_bytes());
  return bytes;
}

std::vector<std::int32_t> fixed_point_values(ByteSpan bytes) {
  STARLING_CHECK(bytes.size() % sizeof(std::int32_t) == 0);
  std::vector<std::int32_t> values(bytes.size() / sizeof(std::int32_t));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

std::vector<float> from_fixed_point(ByteSpan bytes) {
  const std::vector<std::int32_t> grid = fixed_point_values(bytes);
  std::vector<float> values;
  values.reserve(grid.size());
  for (const std::int32_t value : grid) {
    values.push_back(static_cast<float>(static_cast<double>(value) * grid_unit));
  }
  return values;
}

}  // namespace starling::node
