#include "model/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "starling/check.h"

namespace starling::model {
namespace {

using Json = nlohmann::ordered_json;

static_assert(std::endian::native == std::endian::little, "data is copied as it lies in memory");

constexpr std::size_t length_bytes = 8;
constexpr std::size_t header_bytes_max = 100'000'000;  // the reference implementation's bound
constexpr std::size_t alignment = 8;  // the reference pads its header so that data is aligned
constexpr int header_depth_max = 3;   // header, tensor, shape

std::string header_text(const Checkpoint& checkpoint) {
  Json header = Json::object();
  if (!checkpoint.metadata.empty()) header["__metadata__"] = checkpoint.metadata;
  std::size_t offset = 0;
  for (const Segment& segment : checkpoint.segments) {
    STARLING_CHECK(segment.offset == offset && !header.contains(segment.name));
    offset += segment.length();
    header[segment.name] = {
        {"dtype", "F32"},
        {"shape", segment.shape},
        {"data_offsets", {segment.offset * sizeof(float), offset * sizeof(float)}}};
  }
  STARLING_CHECK(offset == checkpoint.parameters.size());
  std::string text = header.dump();
  text.append((alignment - text.size() % alignment) % alignment, ' ');
  return text;
}

/// Parses JSON, refusing duplicate names and deep nesting, which nlohmann would accept.
std::optional<Json> parse_header(std::string_view text) {
  bool refused = !text.starts_with('{');
  std::vector<std::set<std::string>> names;
  const auto check = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > header_depth_max) refused = true;
    if (event == Json::parse_event_t::object_start) names.emplace_back();
    if (event == Json::parse_event_t::object_end) names.pop_back();
    if (event == Json::parse_event_t::key) {
      refused |= !names.back().insert(value.get<std::string>()).second;
    }
    return depth <= header_depth_max;  // false drops the value, so that nesting costs nothing
  };
  Json header = Json::parse(text, check, /*allow_exceptions=*/false);
  if (refused || !header.is_object()) return std::nullopt;
  return header;
}

/// A JSON array of non-negative integers below 2^53, or nothing.
std::optional<std::vector<std::size_t>> read_sizes(const Json& value) {
  constexpr std::uint64_t size_max = std::uint64_t{1} << 53U;  // exact in every JSON reader
  if (!value.is_array()) return std::nullopt;
  std::vector<std::size_t> sizes;
  for (const Json& item : value) {
    if (!item.is_number_unsigned() || item.get<std::uint64_t>() >= size_max) return std::nullopt;
    sizes.push_back(item.get<std::size_t>());
  }
  return sizes;
}

/// Whether the product of `shape` is `count`, without overflow.
bool holds(std::span<const std::size_t> shape, std::size_t count) {
  if (std::ranges::find(shape, 0U) != shape.end()) return count == 0;
  for (const std::size_t size : shape) {
    if (count % size != 0) return false;
    count /= size;
  }
  return count == 1;
}

/// One tensor's entry; `data_bytes` bounds its offsets.
std::optional<Segment> read_segment(const std::string& name, const Json& entry,
                                    std::size_t data_bytes) {
  if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") ||
      !entry.contains("shape") || !entry.contains("data_offsets") || entry["dtype"] != "F32") {
    return std::nullopt;
  }
  auto shape = read_sizes(entry["shape"]);
  const auto offsets = read_sizes(entry["data_offsets"]);
  if (!shape || !offsets || offsets->size() != 2) return std::nullopt;
  const std::size_t begin = (*offsets)[0];
  const std::size_t end = (*offsets)[1];
  if (begin > end || end > data_bytes || begin % sizeof(float) != 0 || end % sizeof(float) != 0 ||
      !holds(*shape, (end - begin) / sizeof(float))) {
    return std::nullopt;
  }
  return Segment{name, begin / sizeof(float), std::move(*shape)};
}

bool read_metadata(const Json& entry, std::map<std::string, std::string>& metadata) {
  if (!entry.is_object()) return false;
  for (const auto& [key, value] : entry.items()) {
    if (!value.is_string()) return false;
    metadata[key] = value.get<std::string>();
  }
  return true;
}

/// A foreign name in a message: escaped to one line and short.
std::string shown(const std::string& name) {
  constexpr std::size_t shown_max = 64;
  return Json(name).dump(-1, ' ', /*ensure_ascii=*/true).substr(0, shown_max);
}

Result<Checkpoint> read_entries(const NamedBytes& file, const Json& header,
                                std::size_t data_bytes) {
  Checkpoint checkpoint;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      if (!read_metadata(entry, checkpoint.metadata)) {
        return invalid_input(std::string(file.name) +
                             ": __metadata__ does not map names to strings");
      }
      continue;
    }
    auto segment = read_segment(name, entry, data_bytes);
    if (!segment) {
      return invalid_input(std::string(file.name) + ": tensor " + shown(name) +
                           " is not float32 with a shape and offsets within " +
                           std::to_string(data_bytes) + " bytes of data");
    }
    checkpoint.segments.push_back(std::move(*segment));
  }
  return checkpoint;
}

/// Sorts the segments and returns how many parameters they cover from 0 without gap or overlap.
std::size_t covered(std::vector<Segment>& segments) {
  std::ranges::sort(segments, {}, [](const Segment& segment) {
    return std::pair(segment.offset, segment.length());  // empty ones before their twin
  });
  std::size_t end = 0;
  for (const Segment& segment : segments) {
    if (segment.offset != end) return end;
    end += segment.length();
  }
  return end;
}

}  // namespace

Bytes encode_safetensors(const Checkpoint& checkpoint) {
  const std::string header = header_text(checkpoint);
  const std::size_t data_bytes = checkpoint.parameters.size() * sizeof(float);
  const std::uint64_t length = header.size();
  Bytes bytes(length_bytes + header.size() + data_bytes);
  std::memcpy(bytes.data(), &length, length_bytes);
  std::ranges::copy(header, bytes.begin() + length_bytes);
  if (data_bytes > 0) {
    std::memcpy(bytes.data() + length_bytes + header.size(), checkpoint.parameters.data(),
                data_bytes);
  }
  return bytes;
}

Result<Checkpoint> decode_safetensors(const NamedBytes& file) {
  const auto refuse = [&](const std::string& text) {
    return invalid_input(std::string(file.name) + ": " + text);
  };
  if (file.bytes.size() < length_bytes) {
    return refuse(std::to_string(file.bytes.size()) + " bytes, a safetensors file has 8 or more");
  }
  std::uint64_t length = 0;
  std::memcpy(&length, file.bytes.data(), length_bytes);
  const std::size_t length_max = std::min(file.bytes.size() - length_bytes, header_bytes_max);
  if (length > length_max) {
    return refuse("header length is " + std::to_string(length) + ", allowed " +
                  std::to_string(length_max));
  }
  const ByteSpan header_bytes = file.bytes.subspan(length_bytes, length);
  const ByteSpan data = file.bytes.subspan(length_bytes + length);
  const auto header =
      parse_header({reinterpret_cast<const char*>(header_bytes.data()), header_bytes.size()});
  if (!header) return refuse("header is not a JSON object with distinct names");
  auto checkpoint = read_entries(file, *header, data.size());
  if (!checkpoint) return checkpoint;
  if (const std::size_t count = covered(checkpoint->segments);
      count * sizeof(float) != data.size()) {
    return refuse("tensors cover the first " + std::to_string(count * sizeof(float)) + " of " +
                  std::to_string(data.size()) + " data bytes, expected all, each once");
  }
  checkpoint->parameters.resize(data.size() / sizeof(float));
  if (!data.empty()) std::memcpy(checkpoint->parameters.data(), data.data(), data.size());
  return checkpoint;
}

}  // namespace starling::model
