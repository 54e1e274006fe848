#pragma once
// Models on disk in the safetensors format, which PyTorch and others read.
// Layout: header length (8 bytes, little-endian), JSON header, raw little-endian data.
// Source: the format section of the README of huggingface/safetensors.

#include <map>
#include <span>
#include <string>
#include <vector>

#include "model/dataset.h"
#include "starling/ids.h"
#include "starling/result.h"
#include "starling/task.h"

namespace starling::model {

/// Named tensors over one flat vector of parameters.
struct Checkpoint {
  std::vector<Segment> segments;  ///< In the order of their data; they cover `parameters`.
  std::vector<float> parameters;
  std::map<std::string, std::string> metadata;
};

/// The segments must cover the parameters without gap or overlap, in order, as Task::segments()
/// does; their names differ.
[[nodiscard]] Bytes encode_safetensors(const Checkpoint& checkpoint);

/// Accepts float32 tensors only.
/// Error: invalid_input naming the file: truncation, header length, JSON, other type, shape that
/// does not fit its offsets, data not covered exactly.
[[nodiscard]] Result<Checkpoint> decode_safetensors(const NamedBytes& file);

}  // namespace starling::model
