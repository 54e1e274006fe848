#pragma once
// The built-in tasks by name, as the command line and scenarios ask for them.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "model/data_file.h"
#include "model/shard.h"
#include "model/shift.h"
#include "starling/result.h"
#include "starling/task.h"

namespace starling::model {

struct TaskDescription {
  std::string_view name;
  std::string_view summary;  ///< One line for --help.
};

/// Every name that make_task() knows.
[[nodiscard]] std::span<const TaskDescription> describe_tasks();

struct TaskOptions {
  /// Where the data lies; an empty path takes the task's usual place. Synthetic tasks ignore it.
  DataSource data = {};
  /// This node's share of the training data. node_count 1 keeps all of it: a node with data of its
  /// own, or a central baseline. The seed also makes the synthetic tasks, so it is the run's.
  ShardPlan shard = {};
  std::uint32_t node_index = 0;
  /// Applied to training and test images alike, by shard.seed; tasks without images refuse it.
  ShiftRule shift = {};
};

/// Error: invalid_input for an unknown name (with the list), a task that needs a data path and has
/// none, and everything load_dataset() and shard_rows() refuse.
[[nodiscard]] Result<std::unique_ptr<Task>> make_task(std::string_view name,
                                                      const TaskOptions& options);

/// How many training samples of each label each node of options.shard holds; empty for a task
/// without labels. Error: as make_task().
[[nodiscard]] Result<std::vector<std::vector<std::uint64_t>>> count_labels(
    std::string_view name, const TaskOptions& options);

}  // namespace starling::model
