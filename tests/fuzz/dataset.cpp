// Feeds foreign bytes to every data set parser; the first byte chooses which.

#include <algorithm>
#include <cstdint>

#include "model/idx.h"
#include "model/safetensors.h"
#include "model/text_data.h"
#include "starling/check.h"

namespace starling::model {
namespace {

// Small enough that a few bytes cannot ask for much memory.
constexpr DataLimits limits{.features_max = 1000, .values_max = 100'000, .classes_max = 100};

void check_shape(const Result<Dataset>& data) {
  if (!data) {
    STARLING_CHECK(data.error().message.find('\n') == std::string::npos);
    return;
  }
  STARLING_CHECK(data->size() >= 1 && data->feature_count >= 1);
  STARLING_CHECK(data->features.size() == data->size() * data->feature_count);
  for (const Label label : data->labels) STARLING_CHECK(label < data->class_count);
}

/// The byte after the choice says where the images end and the labels begin.
void decode_both_parts(ByteSpan bytes) {
  if (bytes.empty()) return;
  const std::size_t cut = std::min<std::size_t>(bytes[0], bytes.size() - 1);
  check_shape(decode_idx({"images", bytes.subspan(1, cut)}, {"labels", bytes.subspan(1 + cut)}, {},
                         limits));
}

void decode_and_encode(ByteSpan bytes) {
  const auto checkpoint = decode_safetensors({"model", bytes});
  if (!checkpoint) return;
  const Bytes again = encode_safetensors(*checkpoint);
  STARLING_CHECK(decode_safetensors({"again", again}).has_value());
}

}  // namespace
}  // namespace starling::model

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling::model;
  if (size == 0) return 0;
  const starling::ByteSpan bytes(data + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      check_shape(parse_csv({"file", bytes}, LabelColumn::first, limits));
      break;
    case 1:
      check_shape(parse_csv({"file", bytes}, LabelColumn::last, limits));
      break;
    case 2:
      check_shape(parse_libsvm({"file", bytes}, limits));
      break;
    case 3:
      decode_both_parts(bytes);
      break;
    default:
      decode_and_encode(bytes);
  }
  return 0;
}
