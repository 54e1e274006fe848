#pragma once
// What all nodes of a run have to agree on. A newcomer gets its text from the first member that it
// reaches. The text's digest is the run's id, which is in the ticket: so nodes with different
// descriptions never meet, and nobody can give a newcomer another one.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "model/tasks.h"
#include "optim/recipe.h"
#include "starling/ids.h"
#include "starling/result.h"

namespace starling {

/// RunDescription::start of a run that starts where Task::initialize() says.
inline constexpr std::string_view start_of_task = "task";

/// How long newcomers may use a ticket: a week, our guess; at most ten years.
inline constexpr std::uint32_t ticket_hours_default = 168;
inline constexpr std::uint32_t ticket_hours_max = 87600;

struct RunDescription {
  NodeId owner = {};  ///< Signs the run's tickets.
  std::string name = "run";
  std::string task = "fashion-mnist";  ///< A built-in task, or a name of the embedder's own.
  optim::Recipe recipe;
  std::uint32_t steps = 2000;            ///< Local steps of each node.
  std::uint32_t nodes = 2;               ///< Training begins when so many have met.
  std::uint64_t seed = 1;                ///< Of the common starting point, shards, synthetic data.
  std::uint32_t evaluate_every = 100;    ///< Steps; 0: only at the end.
  std::uint32_t checkpoint_every = 100;  ///< Steps; 0: only when leaving.
  double interval_scale = 1.0;           ///< Of all protocol intervals; below 1 on a fast network.
  std::uint32_t features = 0;            ///< Of a sample in the users' own data; 0: as found.
  std::uint32_t classes = 0;
  double quorum = 0.5;  ///< A merge is final with more than this share of the nodes ever seen.
  std::string start = std::string(start_of_task);  ///< Or a model file's digest (start_model.h).
  model::ShiftRule shift = {};                     ///< Of everyone's data.
};

/// A run as its owner writes it: the description, and what only the ticket needs.
struct RunFile {
  RunDescription run;
  std::filesystem::path start_file = {};  ///< Whose digest is run.start; empty: none.
  bool is_private = true;                 ///< Only holders of the ticket can connect.
  std::uint32_t valid_hours = ticket_hours_default;
};

/// The `recipe` of a run file is a built-in name or a file, `start` a model's file; both relative
/// to the run file's folder.
/// Error: invalid_input naming file, key, the value seen and those allowed.
[[nodiscard]] Result<RunFile> load_run_file(const std::filesystem::path& path);

/// A built-in recipe or, if `name` has a dot or a slash, the file of that name in `folder`.
[[nodiscard]] Result<optim::Recipe> find_recipe(std::string_view name,
                                                const std::filesystem::path& folder = {});

/// The canonical text. nonce: makes runs with equal descriptions different runs.
[[nodiscard]] std::string description_text(const RunDescription& run, std::uint64_t nonce);

/// The inverse; `text` came from a stranger. Error: invalid_input.
[[nodiscard]] Result<RunDescription> parse_description(std::string_view text);

/// What the run fixes of its task; where the data lies, and whose part, is for the node to say.
[[nodiscard]] model::TaskOptions task_options(const RunDescription& run);

[[nodiscard]] RunId run_id(std::string_view description_text);

}  // namespace starling
