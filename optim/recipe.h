#pragma once
// A recipe names the method of a run. It is a TOML file of ten lines, checked when it is loaded:
// parts that do not fit together are refused with the reason. Two machines train: gossip, which is
// composed of one part for each axis, and the ledger of votes.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "optim/clock/schedule.h"
#include "optim/part.h"
#include "starling/ids.h"
#include "starling/result.h"

namespace starling::optim {

// One catalog each: optim/AXIS/AXIS.h.
struct OracleEntry;
struct InnerEntry;
struct CodecEntry;
struct MemoryEntry;
struct MixerEntry;
struct CorrectionEntry;
struct OuterEntry;
struct FlowEntry;
struct ClockEntry;
struct ViewEntry;

/// A first-order method. As constructed, every axis has the part that a recipe has which names
/// none: SGD, and the plain mean of random pairs after every step.
struct GossipRecipe {
  GossipRecipe();

  Chosen<OracleEntry> oracle;
  Chosen<InnerEntry> inner;
  Chosen<CodecEntry> codec;
  Chosen<MemoryEntry> memory;
  Chosen<MixerEntry> mixer;
  Chosen<CorrectionEntry> correction;
  Chosen<OuterEntry> outer;
  Chosen<FlowEntry> flow;
  Chosen<ClockEntry> clock;
  Chosen<ViewEntry> view;
  double consensus_step = 1.0;  ///< gamma: what of the change that mixing asks for is made.
};

/// What a vote measures of the loss along its direction: a central difference quotient, which needs
/// nothing but the loss, or the derivative itself.
enum class VoteOracle : std::uint8_t { difference, derivative };

/// own: each author votes along rows of its own. shared: along the rows that all authors of a step
/// vote along, so that what sets their data apart averages out row by row.
enum class Directions : std::uint8_t { own, shared };

/// The ledger of one-byte votes (docs/LEDGER.md). What each field means stands in
/// recipe_fields.h, which is also what `starling recipes` prints.
struct LedgerRecipe {
  std::uint32_t probes = 64;
  VoteOracle oracle = VoteOracle::difference;
  double probe_size = 1e-3;
  double step_size = 0.01;
  double scale = 1.0;
  ScheduleKind schedule = ScheduleKind::constant;
  double schedule_floor = 0.0;
  double weight_decay = 0.0;
  Directions directions = Directions::own;
  std::uint32_t parts = 1;
  std::string segment_factors = {};
  std::uint32_t hadamard_rows = 8192;  ///< B
  std::uint32_t window_steps = 64;
  std::uint32_t digest_interval = 32;
  double clip = 0;
  double noise = 0;
  double delta = 1e-5;
  double epsilon_max = 0;
};

/// How much a node counts in the final merge. uniform: what mixing conserves is the plain mean.
enum class MergeWeight : std::uint8_t { uniform, samples };

struct Recipe {
  std::string name;
  std::uint32_t batch = 32;
  /// A node's loss counts (its samples / the mean node's)^this: 0 as every other node's, 1 as its
  /// samples do. Between the two, small shares are neither drowned nor amplified (FedAvg weighs by
  /// 1).
  double sample_weighting = 0;
  MergeWeight merge_weight = MergeWeight::uniform;
  std::variant<GossipRecipe, LedgerRecipe> method;

  /// The one machine's part; nullptr under the other.
  [[nodiscard]] const GossipRecipe* as_gossip() const { return std::get_if<GossipRecipe>(&method); }
  [[nodiscard]] const LedgerRecipe* as_ledger() const { return std::get_if<LedgerRecipe>(&method); }
  /// For code that belongs to one machine; of the other one it is a bug.
  [[nodiscard]] const GossipRecipe& gossip() const { return std::get<GossipRecipe>(method); }
  [[nodiscard]] GossipRecipe& gossip() { return std::get<GossipRecipe>(method); }
  [[nodiscard]] const LedgerRecipe& ledger() const { return std::get<LedgerRecipe>(method); }
  [[nodiscard]] LedgerRecipe& ledger() { return std::get<LedgerRecipe>(method); }

  /// The name, the parts that are used, and what differs from their presets: a field or a part that
  /// a later version adds leaves it as it is. Equal on every node of a run; its digest is part of
  /// every payload's context, and saved states are of use under the same text only.
  [[nodiscard]] std::string canonical_text() const;
};

/// Parses and validates. `origin` (a file name) appears in errors. Errors: unknown key, value out
/// of range, a key of another part, parts that do not fit, each naming the value seen and those
/// allowed.
[[nodiscard]] Result<Recipe> parse_recipe(std::string_view toml_text, std::string_view origin);

/// The recipes that come with Starling, and one of them by name.
[[nodiscard]] std::vector<std::string> builtin_recipe_names();
[[nodiscard]] Result<Recipe> builtin_recipe(std::string_view name);

}  // namespace starling::optim
