#include "node/runtime/evaluated_models.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <string>
#include <system_error>

#include "node/runtime/file.h"

namespace starling::runtime {
namespace {

// Parameters are written as they lie in memory; a big-endian port has to swap here.
static_assert(std::endian::native == std::endian::little);

constexpr const char* extension = ".f32";

}  // namespace

Result<void> EvaluatedModels::keep(Step step, std::span<const float> parameters) {
  if (left_ == 0) return {};
  std::error_code problem;
  std::filesystem::create_directories(folder_, problem);
  if (problem) return system_error("create", folder_.native(), problem.value());
  --left_;
  const ByteSpan bytes(reinterpret_cast<const std::uint8_t*>(parameters.data()),
                       parameters.size_bytes());
  return write_atomically(folder_ / (std::to_string(step) + extension), bytes,
                          {.survives_power_cut = false});
}

std::map<Step, std::filesystem::path> EvaluatedModels::kept_in(const std::filesystem::path& node) {
  std::map<Step, std::filesystem::path> files;
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator(node / "evaluated", problem)) {
    const std::string name = entry.path().stem().native();
    Step step = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), step);
    const bool is_model = read.ec == std::errc{} && read.ptr == name.data() + name.size() &&
                          entry.path().extension() == extension;
    if (is_model) files.emplace(step, entry.path());
  }
  return files;
}

Result<std::vector<float>> EvaluatedModels::read(const std::filesystem::path& file,
                                                 std::size_t parameter_count) {
  const auto bytes = read_file(file);
  if (!bytes) return std::unexpected(bytes.error());
  const std::size_t expected = parameter_count * sizeof(float);
  if (bytes->size() != expected) {
    return failure(file.native() + " has " + std::to_string(bytes->size()) + " bytes, expected " +
                   std::to_string(expected) + " of " + std::to_string(parameter_count) +
                   " parameters");
  }
  std::vector<float> parameters(parameter_count);
  if (!parameters.empty()) std::memcpy(parameters.data(), bytes->data(), expected);
  return parameters;
}

}  // namespace starling::runtime
