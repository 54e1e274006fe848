#include "optim/recipe_rules.h"

#include <array>
#include <bit>
#include <span>
#include <string>

#include "optim/ledger/segment_factors.h"
#include "optim/recipe_axes.h"

namespace starling::optim {
namespace {

struct Rule {
  bool is_broken;
  std::string reason;
};

// Steps of consensus measured safe per kept share of entries: check C2 converges with gamma 0.02 at
// 1 % and diverges with 0.05, so 2 is on the safe side of the edge.
constexpr double consensus_step_per_density_max = 2.0;

[[nodiscard]] Result<void> first_broken(std::span<const Rule> rules, std::string_view origin) {
  for (const Rule& rule : rules) {
    if (rule.is_broken) return invalid_input(std::string(origin) + ": " + rule.reason);
  }
  return {};
}

template <class Entry>
[[nodiscard]] std::string named(const Catalog<Entry>& catalog, const Chosen<Entry>& chosen) {
  return std::string(catalog.axis().key) + " '" + std::string(chosen.name()) + "'";
}

/// The names of the parts that `fits` is true of, so that an error says what to take instead.
template <class Entry, class Fits>
[[nodiscard]] std::string parts_with(const Catalog<Entry>& catalog, Fits fits) {
  std::string names;
  for (const Entry* row : catalog.rows()) {
    if (!fits(row->traits(catalog.choose(*row).settings))) continue;
    names += (names.empty() ? "'" : " or '") + std::string(row->name) + "'";
  }
  return std::string(catalog.axis().key) + " " + names;
}

[[nodiscard]] bool fits(const MixerTraits& mixer, MeetingKind meeting) {
  return meeting == MeetingKind::pair ? mixer.mixes_pairs : mixer.mixes_rounds;
}

[[nodiscard]] Result<void> check_gossip(const GossipRecipe& recipe, std::string_view origin) {
  const CodecTraits codec = recipe.codec.traits();
  const MemoryTraits memory = recipe.memory.traits();
  const MixerTraits mixer = recipe.mixer.traits();
  const CorrectionTraits correction = recipe.correction.traits();
  const MeetingKind meeting = recipe.clock.traits().meeting;
  const std::string codec_name = named(codecs(), recipe.codec);
  const std::string memory_name = named(memories(), recipe.memory);
  const std::string mixer_name = named(mixers(), recipe.mixer);
  const std::string correction_name = named(corrections(), recipe.correction);
  const std::string copying =
      parts_with(memories(), [](const MemoryTraits& traits) { return traits.copies_peers; });
  const auto mixers_for = [](MeetingKind kind) {
    return parts_with(mixers(), [kind](const MixerTraits& traits) { return fits(traits, kind); });
  };
  const std::array rules{
      Rule{!fits(mixer, meeting), mixer_name + " and " + named(clocks(), recipe.clock) +
                                      " do not fit: this clock needs " + mixers_for(meeting)},
      Rule{memory.copies_peers && meeting == MeetingKind::pair,
           memory_name + " needs " + mixers_for(MeetingKind::round) +
               " and a clock of rounds: a neighbour that misses one payload needs a resync, and "
               "random pairs miss most"},
      Rule{
          !codec.is_unbiased && !codec.draws_from_shared_key && !memory.copies_peers,
          codec_name + " needs " + copying +
              ": what it leaves out differs between two nodes, and mixing would set values against "
              "zeros"},
      Rule{codec.draws_from_shared_key && !memory.copies_peers && meeting == MeetingKind::pair,
           codec_name + " needs " + mixers_for(MeetingKind::round) + " or " + copying +
               ": both ends of an exchange must draw the same entries"},
      Rule{memory.needs_bounded_codec && (!codec.is_bounded || codec.is_exact),
           memory_name + " needs " +
               parts_with(
                   codecs(),
                   [](const CodecTraits& each) { return each.is_bounded && !each.is_exact; }) +
               " (with 3 bits or more): what is lost is sent again, and has to stay bounded"},
      Rule{memory.learns_from_sending && !codec.is_contraction,
           memory_name + " needs a codec that loses less than it is given, which " + codec_name +
               " with these settings does not"},
      Rule{correction.needs_linear_mixer && !mixer.is_linear,
           correction_name + " needs a linear mixer, and " + mixer_name + " is not"},
      Rule{correction.needs_conserved_sum && !mixer.conserves_sum,
           correction_name + " needs a mixer that keeps the sum over all nodes, and " + mixer_name +
               " does not"},
      Rule{memory.copies_peers && codec.kept_share < 1 &&
               recipe.consensus_step > consensus_step_per_density_max * codec.kept_share,
           "consensus_step must be at most 2 * codec.density with hat copies of a sparse codec: "
           "beyond it mixing can diverge"}};
  return first_broken(rules, origin);
}

[[nodiscard]] Result<void> check_ledger(const LedgerRecipe& votes, std::string_view origin) {
  if (const auto factors = parse_segment_factors(votes.segment_factors); !factors) {
    return invalid_input(std::string(origin) +
                         ": votes.segment_factors: " + factors.error().message);
  }
  const std::array rules{
      Rule{!std::has_single_bit(votes.hadamard_rows), "votes.hadamard_rows must be a power of two"},
      Rule{votes.noise > 0 && votes.clip == 0,
           "votes.noise needs votes.clip: noise hides only what is bounded"},
      Rule{votes.clip > 0 && votes.weight_decay > 0,
           "votes.clip needs votes.weight_decay 0: it makes scalars of samples' losses alone"},
      Rule{votes.clip > 0 && votes.oracle != VoteOracle::difference,
           "votes.clip needs votes.oracle 'difference': it makes scalars of samples' losses alone"},
      Rule{votes.epsilon_max > 0 && votes.noise == 0,
           "votes.epsilon_max needs votes.noise: without noise nothing bounds what votes tell"}};
  return first_broken(rules, origin);
}

}  // namespace

Result<void> check_fit(const Recipe& recipe, std::string_view origin) {
  const LedgerRecipe* ledger = recipe.as_ledger();
  return ledger != nullptr ? check_ledger(*ledger, origin) : check_gossip(recipe.gossip(), origin);
}

}  // namespace starling::optim
