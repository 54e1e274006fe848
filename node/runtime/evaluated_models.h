#pragma once
// A node's parameters at its evaluations, kept for whoever averages them over all nodes of an
// experiment: DIR/evaluated/STEP.f32, float32 little endian in the task's order. STEP: the local
// steps that are in the model, as in the event `evaluated`.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <vector>

#include "starling/ids.h"
#include "starling/result.h"

namespace starling::runtime {

class EvaluatedModels {
 public:
  /// node: its directory. models_max: what is evaluated after so many is not kept; 0: nothing is.
  EvaluatedModels(const std::filesystem::path& node, std::uint32_t models_max)
      : folder_(node / "evaluated"), left_(models_max) {}

  /// Replaces an earlier model of this step. Survives the process, not a power cut.
  /// Error: the disk, named.
  [[nodiscard]] Result<void> keep(Step step, std::span<const float> parameters);

  /// The files that a node has kept, by step; empty if it kept none.
  [[nodiscard]] static std::map<Step, std::filesystem::path> kept_in(
      const std::filesystem::path& node);
  /// Error: not readable, or not `parameter_count` values.
  [[nodiscard]] static Result<std::vector<float>> read(const std::filesystem::path& file,
                                                       std::size_t parameter_count);

 private:
  std::filesystem::path folder_;
  std::uint32_t left_;
};

}  // namespace starling::runtime
