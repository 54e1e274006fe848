#include "optim/recipe_rules.h"

#include <array>
#include <bit>
#include <string>

#include "optim/ledger/segment_factors.h"

namespace starling::optim {
namespace {

struct Rule {
  bool broken;
  std::string_view reason;
};

// Steps of consensus measured safe per kept share of entries: check C2 converges with gamma 0.02 at
// 1 % and diverges with 0.05, so 2 is on the safe side of the edge.
constexpr double consensus_step_per_density_max = 2.0;

[[nodiscard]] Result<void> first_broken(std::span<const Rule> rules, std::string_view origin) {
  for (const Rule& rule : rules) {
    if (rule.broken) return invalid_input(std::string(origin) + ": " + std::string(rule.reason));
  }
  return {};
}

[[nodiscard]] Result<void> check_votes(const Recipe& recipe, std::string_view origin) {
  if (const auto factors = parse_segment_factors(recipe.votes.segment_factors); !factors) {
    return invalid_input(std::string(origin) +
                         ": votes.segment_factors: " + factors.error().message);
  }
  const std::array rules{
      Rule{recipe.mixer != MixerKind::vote_sum, "oracle 'votes' needs mixer 'vote_sum'"},
      Rule{recipe.inner.kind != InnerKind::sgd,
           "oracle 'votes' needs inner.kind 'sgd': replicas share no momentum to replay"},
      Rule{recipe.codec.kind != CodecKind::identity || recipe.memory != MemoryKind::none,
           "oracle 'votes' needs codec.kind 'identity' and memory 'none': a vote is one byte"},
      Rule{recipe.correction != CorrectionKind::none,
           "oracle 'votes' needs correction 'none': all replicas see the same votes"},
      Rule{!std::has_single_bit(recipe.votes.hadamard_rows),
           "votes.hadamard_rows must be a power of two"},
      Rule{recipe.votes.noise > 0 && recipe.votes.clip == 0,
           "votes.noise needs votes.clip: noise hides only what is bounded"},
      Rule{recipe.votes.clip > 0 && recipe.votes.weight_decay > 0,
           "votes.clip needs votes.weight_decay 0: it makes scalars of samples' losses alone"},
      Rule{recipe.votes.clip > 0 && recipe.votes.oracle != VoteOracle::difference,
           "votes.clip needs votes.oracle 'difference': it makes scalars of samples' losses alone"},
      Rule{recipe.votes.epsilon_max > 0 && recipe.votes.noise == 0,
           "votes.epsilon_max needs votes.noise: without noise nothing bounds what votes tell"}};
  return first_broken(rules, origin);
}

[[nodiscard]] Result<void> check_gradient(const Recipe& recipe, std::string_view origin) {
  const CodecKind codec = recipe.codec.kind;
  const bool hats = recipe.memory == MemoryKind::hat_copy;
  const bool pairs = recipe.mixer == MixerKind::pair;
  const bool sparse = codec == CodecKind::top_k || codec == CodecKind::random_k;
  const std::array rules{
      Rule{recipe.mixer == MixerKind::vote_sum, "mixer 'vote_sum' needs oracle 'votes'"},
      Rule{pairs != (recipe.clock == ClockKind::pairs),
           "mixer 'pair' and clock 'pairs' need each other; mixer 'metropolis' needs clock "
           "'rounds'"},
      Rule{hats && pairs,
           "memory 'hat_copy' needs mixer 'metropolis': a neighbour that misses one payload needs "
           "a resync, and random pairs miss most"},
      Rule{codec == CodecKind::top_k && !hats,
           "codec 'top_k' needs memory 'hat_copy': two nodes keep different entries, and mixing "
           "would set values against zeros"},
      Rule{codec == CodecKind::sign && !hats,
           "codec 'sign' needs memory 'hat_copy': signs alone lose the magnitudes"},
      Rule{codec == CodecKind::random_k && !hats && pairs,
           "codec 'random_k' needs mixer 'metropolis' or memory 'hat_copy': both ends of an "
           "exchange must draw the same entries"},
      // The residual stays bounded while one grid step, 2 s / (2^bits - 2), is below s.
      Rule{recipe.memory == MemoryKind::error_feedback &&
               (codec != CodecKind::quantize || recipe.codec.bits < 3),
           "memory 'error_feedback' needs codec 'quantize' with 3 bits or more"},
      Rule{recipe.inner.kind == InnerKind::sgd && recipe.inner.momentum != 0,
           "inner.momentum needs inner.kind 'momentum'"},
      Rule{hats && sparse &&
               recipe.consensus_step > consensus_step_per_density_max * recipe.codec.density,
           "consensus_step must be at most 2 * codec.density with hat copies of a sparse codec: "
           "beyond it mixing can diverge"}};
  return first_broken(rules, origin);
}

}  // namespace

Result<void> check_fit(const Recipe& recipe, std::string_view origin) {
  return recipe.oracle == Oracle::votes ? check_votes(recipe, origin)
                                        : check_gradient(recipe, origin);
}

}  // namespace starling::optim
