#include "node/run_description.h"

#include <utility>

#include "node/core/description_fetch.h"
#include "node/runtime/file.h"
#include "node/start_model.h"
#include "optim/toml_fields.h"

namespace starling {
namespace {

// The largest whole number that TOML and every JSON reader keep exactly.
constexpr double seed_max = 9007199254740991.0;

/// Every field but the recipe, once; reading and printing both visit this list.
template <class Run, class Visitor>
void visit_run(Run& run, Visitor& visit) {
  using optim::Range;
  visit.text("name", run.name);
  visit.text("task", run.task);
  visit.count("steps", run.steps, Range{1, 1e9});
  visit.count("nodes", run.nodes, Range{1, 100000});
  visit.count("seed", run.seed, Range{0, seed_max});
  visit.count("evaluate_every", run.evaluate_every, Range{0, 1e9});
  visit.count("checkpoint_every", run.checkpoint_every, Range{0, 1e9});
  visit.real("interval_scale", run.interval_scale, Range{0.01, 100});
  visit.real("quorum", run.quorum, Range{0, 0.99});
  visit.count("features", run.features, Range{0, 1e7});
  visit.count("classes", run.classes, Range{0, 65536});
  visit.choice("shift", run.shift.kind, model::shift_names);
  visit.real("shift_share", run.shift.share, Range{0, 1});
}

Result<std::string> read_text(const std::filesystem::path& path) {
  const Result<Bytes> bytes = runtime::read_file(path);
  if (!bytes) return invalid_input(bytes.error().message);
  return std::string(bytes->begin(), bytes->end());
}

Result<void> check_start(const std::string& start) {
  if (start == start_of_task || (start.size() == 2 * Digest::size && from_hex(start))) return {};
  return invalid_input("the run's description: start = '" + start +
                       "'; allowed: 'task', or a digest of 64 hexadecimal digits");
}

Result<void> read_owner(const std::string& text, NodeId& owner) {
  const auto bytes = from_hex(text);
  const auto id = bytes ? NodeId::from_bytes(*bytes) : std::nullopt;
  if (!id) {
    return invalid_input("the run's description: owner = '" + text +
                         "'; allowed: a node id of 64 hexadecimal digits");
  }
  owner = *id;
  return {};
}

}  // namespace

Result<optim::Recipe> find_recipe(std::string_view name, const std::filesystem::path& folder) {
  if (name.find_first_of("./") == std::string_view::npos) return optim::builtin_recipe(name);
  const std::filesystem::path path = folder / name;
  const Result<std::string> text = read_text(path);
  if (!text) return std::unexpected(text.error());
  return optim::parse_recipe(*text, path.native());
}

Result<RunFile> load_run_file(const std::filesystem::path& path) {
  const Result<std::string> text = read_text(path);
  if (!text) return std::unexpected(text.error());
  const auto table = optim::parse_toml(*text, path.native());
  if (!table) return std::unexpected(table.error());
  RunFile file;
  std::string recipe_name = "gossip";
  optim::TomlReader reader(*table, path.native());
  visit_run(file.run, reader);
  reader.lines("recipe", recipe_name);
  std::string start_file;
  reader.lines("start", start_file);
  reader.flag("private", file.is_private);
  reader.count("valid_hours", file.valid_hours, optim::Range{1, ticket_hours_max});
  if (auto read = reader.finish(); !read) return std::unexpected(read.error());
  auto recipe = find_recipe(recipe_name, path.parent_path());
  if (!recipe) return invalid_input(path.native() + ": recipe: " + recipe.error().message);
  file.run.recipe = std::move(*recipe);
  if (start_file.empty() || start_file == start_of_task) return file;
  file.start_file = path.parent_path() / start_file;
  const auto start = read_start_model(file.start_file);
  if (!start) return invalid_input(path.native() + ": start: " + start.error().message);
  file.run.start = start->digest.hex();
  return file;
}

std::string description_text(const RunDescription& run, std::uint64_t nonce) {
  optim::TomlPrinter printer;
  visit_run(run, printer);
  printer.text("owner", run.owner.hex());
  printer.text("start", run.start);
  printer.lines("recipe", run.recipe.canonical_text());
  printer.text("nonce", std::to_string(nonce));
  return printer.take();
}

Result<RunDescription> parse_description(std::string_view text) {
  constexpr std::string_view origin = "the run's description";
  const auto table = optim::parse_toml(text, origin);
  if (!table) return std::unexpected(table.error());
  RunDescription run;
  std::string recipe_text;
  std::string nonce;
  optim::TomlReader reader(*table, origin);
  visit_run(run, reader);
  std::string owner;
  reader.text("owner", owner);
  reader.text("start", run.start);
  reader.lines("recipe", recipe_text);
  reader.text("nonce", nonce);
  if (auto read = reader.finish(); !read) return std::unexpected(read.error());
  if (auto read = read_owner(owner, run.owner); !read) return std::unexpected(read.error());
  if (auto checked = check_start(run.start); !checked) return std::unexpected(checked.error());
  auto recipe = optim::parse_recipe(recipe_text, "the run's recipe");
  if (!recipe) return std::unexpected(recipe.error());
  run.recipe = std::move(*recipe);
  return run;
}

model::TaskOptions task_options(const RunDescription& run) {
  model::TaskOptions options;
  options.data.feature_count = run.features;
  options.data.class_count = run.classes;
  options.shard.seed = run.seed;
  options.shift = run.shift;
  return options;
}

RunId run_id(std::string_view description_text) {
  const ByteSpan bytes(reinterpret_cast<const std::uint8_t*>(description_text.data()),
                       description_text.size());
  return node::run_of_description(bytes);
}

}  // namespace starling
