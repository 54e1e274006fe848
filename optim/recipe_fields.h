#pragma once
// The fields of recipes that belong to no axis. Those of a ledger's recipe stand here once, with
// key, range and meaning: reading, printing and listing visit them, so that none can forget one.

#include <limits>

#include "optim/fields.h"
#include "optim/recipe.h"

namespace starling::optim {

inline constexpr ChoiceNames<VoteOracle, 2> vote_oracle_names{
    {{VoteOracle::difference, "difference"}, {VoteOracle::derivative, "derivative"}}};
inline constexpr ChoiceNames<Directions, 2> directions_names{
    {{Directions::own, "own"}, {Directions::shared, "shared"}}};
inline constexpr ChoiceNames<ScheduleKind, 3> schedule_kind_names{
    {{ScheduleKind::constant, "constant"},
     {ScheduleKind::linear, "linear"},
     {ScheduleKind::cosine, "cosine"}}};

inline constexpr ChoiceNames<MergeWeight, 2> merge_weight_names{
    {{MergeWeight::uniform, "uniform"}, {MergeWeight::samples, "samples"}}};

inline constexpr Range unit_range{0.0, 1.0};
inline constexpr Range above_zero_to_one{std::numeric_limits<double>::min(), 1.0};
/// A step's votes travel in one packet: protocol::limits::vote_probes_per_packet_max.
inline constexpr Range vote_probes_range{1, 1024};
inline constexpr Range vote_scale_range{1e-9, 1e9};

/// visit: choice(key, enum&, names, meaning), real(key, double&, Range, meaning), count(key,
/// uint32&, Range, meaning), patterns(key, string&, meaning).
template <class Ledger, class Visitor>
void visit_ledger(Ledger& ledger, Visitor& visit) {
  visit.count("probes", ledger.probes, vote_probes_range, "votes of a node in a step, one packet");
  visit.choice("oracle", ledger.oracle, vote_oracle_names,
               "what a vote measures: two losses, or the exact derivative");
  visit.real("probe_size", ledger.probe_size, Range{0x1.0p-24, 1.0},
             "how far a probe goes to either side, in units of parameters; rounded to the grid");
  visit.real("step_size", ledger.step_size, Range{0.0, 1000.0},
             "a vote of scalar s moves the model by step_size / d * s, d its length");
  visit.real("scale", ledger.scale, vote_scale_range,
             "unit of the one-byte scalars: 2^-14 to 2^7 times it are told apart");
  visit.choice("schedule", ledger.schedule, schedule_kind_names,
               "how the step size falls over the run");
  visit.real("schedule_floor", ledger.schedule_floor, unit_range, "its share at the last step");
  visit.real("weight_decay", ledger.weight_decay, unit_range,
             "voters add weight_decay / 2 times the squared norm to their loss");
  visit.choice("directions", ledger.directions, directions_names,
               "whether each node votes along rows of its own, or all along the same");
  visit.count("parts", ledger.parts, Range{1, 65536},
              "the model is dealt to so many parts in blocks of 128; a step moves one of them");
  visit.patterns("segment_factors", ledger.segment_factors,
                 "\"PATTERN=FACTOR, ...\": how long directions are in the segments that a pattern "
                 "names; 0 freezes them");
  visit.count("hadamard_rows", ledger.hadamard_rows, Range{1, 65536},
              "directions in a step, a power of two");
  visit.count("window_steps", ledger.window_steps, Range{1, 65536}, "older votes are void");
  visit.count("digest_interval", ledger.digest_interval, Range{0, 65536},
              "steps between comparisons of models among neighbours; 0: none");
  visit.real("clip", ledger.clip, Range{0.0, 1e9},
             "bound of one sample's scalar, before the mean; 0: none");
  visit.real("noise", ledger.noise, Range{0.0, 1e6},
             "Gaussian noise, in units of what one sample can move; needs clip; 0: none");
  visit.real("delta", ledger.delta, above_zero_to_one, "for which the privacy spent is stated");
  visit.real("epsilon_max", ledger.epsilon_max, Range{0.0, 1e6},
             "privacy after which a node votes no more; needs noise; 0: no bound");
}

}  // namespace starling::optim
