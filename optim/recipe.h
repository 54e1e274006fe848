#pragma once
// A recipe names one part for each axis of LEARNING.md section 1.1. It is a TOML file of ten lines,
// checked when it is loaded: parts that do not fit together are refused with the reason.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "starling/ids.h"
#include "starling/result.h"

namespace starling::optim {

enum class Oracle : std::uint8_t { gradient, votes };
enum class InnerKind : std::uint8_t { sgd, momentum };
enum class CodecKind : std::uint8_t { identity, quantize, top_k, random_k, sign };
enum class MemoryKind : std::uint8_t { none, reference, hat_copy, error_feedback };
enum class MixerKind : std::uint8_t { metropolis, pair, vote_sum };
enum class CorrectionKind : std::uint8_t { none, gradient_tracking };
enum class ClockKind : std::uint8_t { rounds, pairs };
enum class ScheduleKind : std::uint8_t { constant, linear, cosine };

/// What a vote measures of the loss along its direction: a central difference quotient, which needs
/// nothing but the loss, or the derivative itself.
enum class VoteOracle : std::uint8_t { difference, derivative };

/// own: each author votes along rows of its own. shared: along the rows that all authors of a step
/// vote along, so that what sets their data apart averages out row by row.
enum class Directions : std::uint8_t { own, shared };

/// How much a node counts in the final merge. uniform: what mixing conserves is the plain mean.
enum class MergeWeight : std::uint8_t { uniform, samples };

struct InnerRule {
  InnerKind kind = InnerKind::sgd;
  double step_size = 0.1;
  double momentum = 0.0;
  double weight_decay = 0.0;
  ScheduleKind schedule = ScheduleKind::constant;
  double schedule_floor = 0.0;  ///< Fraction of step_size reached at the last step.
  double warmup = 0.0;          ///< Fraction of the steps with a linear rise.
};

struct CodecRule {
  CodecKind kind = CodecKind::identity;
  std::uint32_t bits = 8;     ///< quantize
  std::uint32_t block = 256;  ///< quantize: values sharing one scale
  double density = 0.01;      ///< top_k, random_k: share of entries kept
};

struct VoteRule {
  std::uint32_t probes = 64;  ///< Votes of a node in one step, one packet.
  VoteOracle oracle = VoteOracle::difference;
  double probe_size = 1e-3;  ///< e of LEDGER.md in parameter units; rounded to the grid.
  double step_size = 0.01;  ///< As of SGD: a vote of scalar s moves the model by step_size / d * s.
  double scale = 1.0;       ///< Unit of the one-byte scalars: 2^-14 to 2^7 times it are told apart.
  ScheduleKind schedule = ScheduleKind::constant;
  double schedule_floor = 0.0;
  double weight_decay = 0.0;  ///< Voters add weight_decay / 2 * |w|^2 to the loss they measure.
  Directions directions = Directions::own;
  std::uint32_t parts = 1;  ///< The model is dealt to so many parts; a step moves one of them.
  std::string segment_factors = {};    ///< "PATTERN=FACTOR, ...", see ledger/segment_factors.h.
  std::uint32_t hadamard_rows = 8192;  ///< B
  std::uint32_t window_steps = 64;     ///< Older votes are void.
  std::uint32_t digest_interval = 32;  ///< Steps between comparisons of models; 0: none.
  double clip = 0;                     ///< Bound of one sample's scalar, before the mean; 0: none.
  double noise = 0;                    ///< Gaussian, in units of what one sample can move; 0: none.
  double delta = 1e-5;                 ///< For which the privacy spent is stated.
  double epsilon_max = 0;              ///< Privacy after which a node votes no more; 0: no bound.
};

struct Recipe {
  std::string name;
  Oracle oracle = Oracle::gradient;
  std::uint32_t batch = 32;
  /// A node's loss counts (its samples / the mean node's)^this: 0 as every other node's, 1 as its
  /// samples do. Between the two, small shares are neither drowned nor amplified (FedAvg weighs by
  /// 1).
  double sample_weighting = 0;
  InnerRule inner;
  CodecRule codec;
  MemoryKind memory = MemoryKind::none;
  MixerKind mixer = MixerKind::pair;
  double consensus_step = 1.0;  ///< gamma
  CorrectionKind correction = CorrectionKind::none;
  ClockKind clock = ClockKind::pairs;
  std::uint32_t local_steps = 1;  ///< H
  /// clock pairs: local steps that may run while an exchange is under way. They hide the network's
  /// delay; under skewed data each costs consensus, for what it moves is mixed one exchange later.
  std::uint32_t overlap_steps = 0;
  /// clock pairs: how far a node's step may be from the median of its neighbours. Ahead of that it
  /// waits for them, behind it skips to where they are: all stay at one point of the schedule,
  /// nobody waits for the slowest, and the slowest does not have the last word for its own data.
  /// 0: no bound.
  std::uint32_t lead_steps = 0;
  MergeWeight merge_weight = MergeWeight::uniform;
  VoteRule votes;

  /// Over the canonical text: equal on every node of a run, part of every payload's context.
  [[nodiscard]] std::string canonical_text() const;
};

/// Parses and validates. `origin` (a file name) appears in errors. Errors: unknown key, value out
/// of range, parts that do not fit (LEARNING.md section 1.3), each naming the value seen and those
/// allowed.
[[nodiscard]] Result<Recipe> parse_recipe(std::string_view toml_text, std::string_view origin);

/// The recipes that come with Starling, and one of them by name.
[[nodiscard]] std::vector<std::string> builtin_recipe_names();
[[nodiscard]] Result<Recipe> builtin_recipe(std::string_view name);

}  // namespace starling::optim
