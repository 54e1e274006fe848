#pragma once
// A run that goes on from a model's file instead of from its task's own starting point. The file's
// digest is part of the description; the file itself every node brings along, or has kept.

#include <filesystem>
#include <optional>
#include <vector>

#include "node/run_description.h"
#include "starling/ids.h"
#include "starling/result.h"
#include "starling/task.h"

namespace starling {

/// A .safetensors file of float32 tensors.
struct StartModel {
  Bytes file;
  Digest digest;  ///< BLAKE2b-256 of the file, as `b2sum -l 256` prints it.
  std::vector<Segment> segments;
  std::vector<float> parameters;
};

/// Error: invalid_input naming the file and what is wrong with it.
[[nodiscard]] Result<StartModel> read_start_model(const std::filesystem::path& path);

/// The model that `run` starts from: `file`, or if that is empty what keep_start_model() left in
/// `directory`. Nothing if the run starts from its task's own point. Error: invalid_input: there is
/// no file, it has another digest than the run's, or the run wants none.
[[nodiscard]] Result<std::optional<StartModel>> find_start_model(
    const RunDescription& run, const std::filesystem::path& file,
    const std::filesystem::path& directory = {});

/// Keeps the model in the node directory: to go on after a restart, and to replay its ledger.
[[nodiscard]] Result<void> keep_start_model(const StartModel& start,
                                            const std::filesystem::path& directory);

/// The parameters a node of `run` starts from; empty: the task's own point.
/// Error: invalid_input: `start` is missing, not the run's, or has other tensors than the task.
[[nodiscard]] Result<std::vector<float>> starting_parameters(const RunDescription& run,
                                                             std::optional<StartModel> start,
                                                             const Task& task);

}  // namespace starling
