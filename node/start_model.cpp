#include "node/start_model.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "crypto/digest.h"
#include "model/safetensors.h"
#include "node/runtime/file.h"

namespace starling {
namespace {

constexpr std::string_view kept_name = "start.safetensors";

bool has_same_shape(const Segment& a, const Segment& b) {
  return a.name == b.name && a.offset == b.offset && a.shape == b.shape;
}

std::unexpected<Error> missing(const RunDescription& run) {
  return invalid_input("the run starts from a model with digest " + run.start.substr(0, 8) +
                       "..., and none was given; expected its file with --from");
}

Result<void> check_digest(const RunDescription& run, const StartModel& start,
                          const std::string& origin) {
  if (start.digest.hex() == run.start) return {};
  return invalid_input(origin + " has digest " + start.digest.short_text() +
                       "..., expected the model the run starts from, " + run.start.substr(0, 8) +
                       "...");
}

}  // namespace

Result<StartModel> read_start_model(const std::filesystem::path& path) {
  auto file = runtime::read_file(path);
  if (!file) return invalid_input(file.error().message);
  const std::string name = path.native();
  auto checkpoint = model::decode_safetensors({name, *file});
  if (!checkpoint) return std::unexpected(checkpoint.error());
  const Digest digest = crypto::digest_of(*file);
  return StartModel{std::move(*file), digest, std::move(checkpoint->segments),
                    std::move(checkpoint->parameters)};
}

Result<std::optional<StartModel>> find_start_model(const RunDescription& run,
                                                   const std::filesystem::path& file,
                                                   const std::filesystem::path& directory) {
  if (run.start == start_of_task) {
    if (file.empty()) return std::nullopt;
    return invalid_input("--from is " + file.native() +
                         ", but the run starts from its task's own point");
  }
  const std::filesystem::path path = file.empty() ? directory / kept_name : file;
  std::error_code problem;
  if (file.empty() && !std::filesystem::exists(path, problem)) return missing(run);
  auto start = read_start_model(path);
  if (!start) return std::unexpected(start.error());
  if (auto same = check_digest(run, *start, path.native()); !same) {
    return std::unexpected(same.error());
  }
  return std::move(*start);
}

Result<void> keep_start_model(const StartModel& start, const std::filesystem::path& directory) {
  return runtime::write_atomically(directory / kept_name, start.file);
}

Result<std::vector<float>> starting_parameters(const RunDescription& run,
                                               std::optional<StartModel> start, const Task& task) {
  if (run.start == start_of_task) return std::vector<float>{};
  if (!start) return missing(run);
  if (auto same = check_digest(run, *start, "the starting model"); !same) {
    return std::unexpected(same.error());
  }
  if (!std::ranges::equal(start->segments, task.segments(), has_same_shape)) {
    return invalid_input(
        "the starting model's tensors differ in name or shape from those of task " + run.task);
  }
  return std::move(start->parameters);
}

}  // namespace starling
