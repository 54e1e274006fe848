#pragma once
// Every field of a recipe, once: its key, range and names. Reading, printing and listing of allowed
// values all visit this list, so that none of them can forget a field.

#include <limits>

#include "optim/fields.h"
#include "optim/recipe.h"

namespace starling::optim {

inline constexpr ChoiceNames<Oracle, 2> oracle_names{
    {{Oracle::gradient, "gradient"}, {Oracle::votes, "votes"}}};
inline constexpr ChoiceNames<InnerKind, 2> inner_names{
    {{InnerKind::sgd, "sgd"}, {InnerKind::momentum, "momentum"}}};
inline constexpr ChoiceNames<CodecKind, 5> codec_names{{{CodecKind::identity, "identity"},
                                                        {CodecKind::quantize, "quantize"},
                                                        {CodecKind::top_k, "top_k"},
                                                        {CodecKind::random_k, "random_k"},
                                                        {CodecKind::sign, "sign"}}};
inline constexpr ChoiceNames<MemoryKind, 4> memory_names{
    {{MemoryKind::none, "none"},
     {MemoryKind::reference, "reference"},
     {MemoryKind::hat_copy, "hat_copy"},
     {MemoryKind::error_feedback, "error_feedback"}}};
inline constexpr ChoiceNames<MixerKind, 3> mixer_names{{{MixerKind::metropolis, "metropolis"},
                                                        {MixerKind::pair, "pair"},
                                                        {MixerKind::vote_sum, "vote_sum"}}};
inline constexpr ChoiceNames<CorrectionKind, 2> correction_names{
    {{CorrectionKind::none, "none"}, {CorrectionKind::gradient_tracking, "gradient_tracking"}}};
inline constexpr ChoiceNames<ClockKind, 2> clock_names{
    {{ClockKind::rounds, "rounds"}, {ClockKind::pairs, "pairs"}}};
inline constexpr ChoiceNames<ScheduleKind, 3> schedule_names{{{ScheduleKind::constant, "constant"},
                                                              {ScheduleKind::linear, "linear"},
                                                              {ScheduleKind::cosine, "cosine"}}};
inline constexpr ChoiceNames<MergeWeight, 2> merge_weight_names{
    {{MergeWeight::uniform, "uniform"}, {MergeWeight::samples, "samples"}}};

inline constexpr ChoiceNames<VoteOracle, 2> vote_oracle_names{
    {{VoteOracle::difference, "difference"}, {VoteOracle::derivative, "derivative"}}};
inline constexpr ChoiceNames<Directions, 2> directions_names{
    {{Directions::own, "own"}, {Directions::shared, "shared"}}};

inline constexpr Range unit_range{0.0, 1.0};
inline constexpr Range above_zero_to_one{std::numeric_limits<double>::min(), 1.0};
inline constexpr Range step_size_range{0.0, 1000.0};
/// A step's votes travel in one packet: protocol::limits::vote_probes_per_packet_max.
inline constexpr Range vote_probes_range{1, 1024};
inline constexpr Range vote_scale_range{1e-9, 1e9};

/// visit: text(key, string&), patterns(key, string&), choice(key, enum&, names),
/// real(key, double&, Range), count(key, uint32&, Range), section(key) for the table that the
/// following keys belong to.
template <class RecipeType, class Visitor>
void visit_recipe(RecipeType& recipe, Visitor& visit) {
  visit.text("name", recipe.name);
  visit.choice("oracle", recipe.oracle, oracle_names);
  visit.count("batch", recipe.batch, Range{1, 65536});
  visit.real("sample_weighting", recipe.sample_weighting, unit_range);
  visit.choice("memory", recipe.memory, memory_names);
  visit.choice("mixer", recipe.mixer, mixer_names);
  visit.real("consensus_step", recipe.consensus_step, above_zero_to_one);
  visit.choice("correction", recipe.correction, correction_names);
  visit.choice("clock", recipe.clock, clock_names);
  visit.count("local_steps", recipe.local_steps, Range{1, 1e6});
  visit.count("overlap_steps", recipe.overlap_steps, Range{0, 1e6});
  visit.count("lead_steps", recipe.lead_steps, Range{0, 1e6});
  visit.choice("merge_weight", recipe.merge_weight, merge_weight_names);

  visit.section("inner");
  visit.choice("kind", recipe.inner.kind, inner_names);
  visit.real("step_size", recipe.inner.step_size, step_size_range);
  visit.real("momentum", recipe.inner.momentum, Range{0.0, 0.9999});
  visit.real("weight_decay", recipe.inner.weight_decay, unit_range);
  visit.choice("schedule", recipe.inner.schedule, schedule_names);
  visit.real("schedule_floor", recipe.inner.schedule_floor, unit_range);
  visit.real("warmup", recipe.inner.warmup, unit_range);

  visit.section("codec");
  visit.choice("kind", recipe.codec.kind, codec_names);
  visit.count("bits", recipe.codec.bits, Range{1, 8});
  visit.count("block", recipe.codec.block, Range{8, 65536});
  visit.real("density", recipe.codec.density, above_zero_to_one);

  visit.section("votes");
  visit.count("probes", recipe.votes.probes, vote_probes_range);
  visit.choice("oracle", recipe.votes.oracle, vote_oracle_names);
  visit.real("probe_size", recipe.votes.probe_size, Range{0x1.0p-24, 1.0});
  visit.real("step_size", recipe.votes.step_size, step_size_range);
  visit.real("scale", recipe.votes.scale, vote_scale_range);
  visit.choice("schedule", recipe.votes.schedule, schedule_names);
  visit.real("schedule_floor", recipe.votes.schedule_floor, unit_range);
  visit.real("weight_decay", recipe.votes.weight_decay, unit_range);
  visit.choice("directions", recipe.votes.directions, directions_names);
  visit.count("parts", recipe.votes.parts, Range{1, 65536});
  visit.patterns("segment_factors", recipe.votes.segment_factors);
  visit.count("hadamard_rows", recipe.votes.hadamard_rows, Range{1, 65536});
  visit.count("window_steps", recipe.votes.window_steps, Range{1, 65536});
  visit.count("digest_interval", recipe.votes.digest_interval, Range{0, 65536});
  visit.real("clip", recipe.votes.clip, Range{0.0, 1e9});
  visit.real("noise", recipe.votes.noise, Range{0.0, 1e6});
  visit.real("delta", recipe.votes.delta, above_zero_to_one);
  visit.real("epsilon_max", recipe.votes.epsilon_max, Range{0.0, 1e6});
}

}  // namespace starling::optim
