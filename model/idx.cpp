#include "model/idx.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>

#include "starling/check.h"

namespace starling::model {
namespace {

constexpr std::uint32_t label_magic = 0x801;
constexpr std::uint32_t image_magic = 0x803;
constexpr float pixel_max = 255.0F;

std::uint32_t read_big_endian(ByteSpan bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 24U | std::uint32_t{bytes[at + 1]} << 16U |
         std::uint32_t{bytes[at + 2]} << 8U | std::uint32_t{bytes[at + 3]};
}

std::string hex_text(std::uint32_t value) {
  const std::array<std::uint8_t, 4> bytes{
      static_cast<std::uint8_t>(value >> 24U), static_cast<std::uint8_t>(value >> 16U),
      static_cast<std::uint8_t>(value >> 8U), static_cast<std::uint8_t>(value)};
  return "0x" + to_hex(bytes);
}

std::unexpected<Error> bad_file(const NamedBytes& file, const std::string& text) {
  return invalid_input(std::string(file.name) + ": " + text);
}

/// A checked IDX file: `sizes` dimensions, then exactly their product of bytes.
struct IdxView {
  std::vector<std::size_t> sizes;
  ByteSpan values;
};

Result<IdxView> open_idx(const NamedBytes& file, std::uint32_t magic, std::size_t values_max) {
  const std::size_t dimension_count = magic & 0xffU;
  const std::size_t header_bytes = 4 + 4 * dimension_count;
  if (file.bytes.size() < header_bytes) {
    return bad_file(file, "truncated: " + std::to_string(file.bytes.size()) +
                              " bytes, the IDX header alone has " + std::to_string(header_bytes));
  }
  const std::uint32_t seen = read_big_endian(file.bytes, 0);
  if (seen != magic) {
    return bad_file(file, "IDX magic is " + hex_text(seen) + ", expected " + hex_text(magic));
  }
  IdxView view;
  std::size_t expected = 1;
  for (std::size_t i = 0; i < dimension_count; ++i) {
    const std::size_t size = read_big_endian(file.bytes, 4 + 4 * i);
    if (size == 0 || size > values_max / expected) {
      return bad_file(file, "dimension " + std::to_string(i) + " is " + std::to_string(size) +
                                ", allowed 1 to " + std::to_string(values_max / expected));
    }
    expected *= size;
    view.sizes.push_back(size);
  }
  view.values = file.bytes.subspan(header_bytes);
  if (view.values.size() != expected) {
    return bad_file(file, std::to_string(view.values.size()) +
                              " bytes after the header, expected " + std::to_string(expected));
  }
  return view;
}

Result<std::vector<std::uint32_t>> all_rows(std::size_t count) {
  std::vector<std::uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

/// pixels: n x data.feature_count. Appends the chosen rows to `data`.
void decode_rows(std::span<const std::uint32_t> rows, ByteSpan pixels,
                 std::span<const Label> labels, Dataset& data) {
  data.features.reserve(rows.size() * data.feature_count);
  data.labels.reserve(rows.size());
  for (const std::uint32_t row : rows) {
    STARLING_CHECK(row < labels.size());
    data.labels.push_back(labels[row]);
    for (const std::uint8_t pixel : pixels.subspan(row * data.feature_count, data.feature_count)) {
      data.features.push_back(static_cast<float>(pixel) / pixel_max);
    }
  }
}

}  // namespace

Result<Dataset> decode_idx(const NamedBytes& images, const NamedBytes& labels,
                           const RowSelector& select, const DataLimits& limits) {
  const auto label_view = open_idx(labels, label_magic, limits.values_max);
  if (!label_view) return std::unexpected(label_view.error());
  const auto image_view = open_idx(images, image_magic, limits.values_max);
  if (!image_view) return std::unexpected(image_view.error());
  const std::size_t count = image_view->sizes[0];
  if (count != label_view->sizes[0]) {
    return bad_file(images, std::to_string(count) + " images, but " + std::string(labels.name) +
                                " has " + std::to_string(label_view->sizes[0]) + " labels");
  }
  Dataset data;
  data.feature_count = image_view->sizes[1] * image_view->sizes[2];
  const ByteSpan all_labels = label_view->values;
  data.class_count = std::size_t{*std::max_element(all_labels.begin(), all_labels.end())} + 1;
  std::vector<Label> wide_labels(all_labels.begin(), all_labels.end());
  const auto rows = select ? select(wide_labels) : all_rows(count);
  if (!rows) return std::unexpected(rows.error());
  decode_rows(*rows, image_view->values, wide_labels, data);
  return data;
}

}  // namespace starling::model
