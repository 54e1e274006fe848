#include "node/core/model_form.h"

#include <span>

#include "crypto/digest.h"
#include "optim/byte_io.h"

namespace starling::node {

namespace {

Digest layout_digest(const std::vector<Segment>& segments) {
  optim::ByteWriter bytes;
  for (const Segment& segment : segments) {
    bytes.put_all(std::span(segment.name));
    bytes.put(static_cast<std::uint64_t>(segment.offset));
    bytes.put(static_cast<std::uint64_t>(segment.shape.size()));
    for (const std::size_t size : segment.shape) bytes.put(static_cast<std::uint64_t>(size));
  }
  return crypto::digest_in("model layout", bytes.take());
}

void append(std::string& text, const std::string& what, std::uint64_t theirs, std::uint64_t own) {
  if (theirs == own) return;
  text += (text.empty() ? "" : ", ") + std::to_string(theirs) + " " + what + " there and " +
          std::to_string(own) + " here";
}

}  // namespace

protocol::ModelForm form_of(const Config& config) {
  return {.parameters = config.parameter_count,
          .layout = layout_digest(config.segments),
          .features = config.data_form.features,
          .classes = config.data_form.classes};
}

std::optional<std::string> difference_between(const protocol::ModelForm& own,
                                              const protocol::ModelForm& theirs) {
  if (own == theirs) return std::nullopt;
  std::string text;
  append(text, "features", theirs.features, own.features);
  append(text, "classes", theirs.classes, own.classes);
  append(text, "parameters", theirs.parameters, own.parameters);
  if (!text.empty()) return text;
  return "the same number of parameters, laid out as " + theirs.layout.short_text() +
         " there and as " + own.layout.short_text() + " here";
}

}  // namespace starling::node
