#include "optim/vote_tuning.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "optim/vote_replica.h"
#include "optim/vote_sender.h"

namespace starling::optim {
namespace {

// Beyond them a probe leaves the region the loss is smooth in, or drowns in a float's rounding.
constexpr int probe_octave_first = -4;
constexpr int probe_octave_last = -14;
constexpr std::uint32_t probes_compared = 16;
/// Batches that a trial's loss is the mean over.
constexpr Step judging_batches = 16;
/// Trials go by octaves from the recipe's step size: a search from a thousandth to a thousand times
/// it.
constexpr int trial_octave_max = 10;
/// Of a trial that diverged.
constexpr double worst_loss = std::numeric_limits<double>::infinity();

/// Voters differ by their ids alone.
NodeId voter(std::uint32_t node) {
  NodeId id;
  for (std::size_t i = 0; i < 4; ++i) id.bytes[i] = static_cast<std::uint8_t>(node >> (8 * i));
  return id;
}

VoteReplica replica_with(const TuningOptions& options, const LedgerRecipe& rule,
                         std::span<const float> start) {
  return {VoteRun{rule, RunId{}, options.steps}, options.movement, start};
}

std::vector<double> quotients(const TuningOptions& options, std::span<const float> start,
                              const BatchLoss& loss, double probe_size) {
  LedgerRecipe rule = options.rule;
  rule.probe_size = probe_size;
  return replica_with(options, rule, start)
      .probe({voter(0), 0, 0, probes_compared},
             [&](std::span<const float> at) { return loss(at, 0, 0); });
}

double squared_distance(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

/// Half a probe sees less of the curvature and more of the rounding: where the two quotients agree
/// best, neither matters much.
double find_probe_size(const TuningOptions& options, std::span<const float> start,
                       const BatchLoss& loss) {
  double best = 0;
  double least = worst_loss;
  auto wide = quotients(options, start, loss, std::ldexp(1, probe_octave_first));
  for (int octave = probe_octave_first; octave > probe_octave_last; --octave) {
    auto narrow = quotients(options, start, loss, std::ldexp(1, octave - 1));
    const double distance = squared_distance(wide, narrow);
    if (distance < least) {
      least = distance;
      best = std::ldexp(1, octave);
    }
    wide = std::move(narrow);
  }
  return best;
}

double judge(std::span<const float> parameters, const TuningOptions& options,
             const BatchLoss& loss) {
  double sum = 0;
  for (Step batch = 0; batch < judging_batches; ++batch) {
    const auto node = static_cast<std::uint32_t>(batch % options.nodes);
    sum += loss(parameters, node, options.steps + batch);
  }
  return sum / static_cast<double>(judging_batches);
}

/// A short run with all voters at the same replica.
double try_step_size(const TuningOptions& options, const LedgerRecipe& rule,
                     std::span<const float> start, const BatchLoss& loss) {
  VoteReplica replica = replica_with(options, rule, start);
  const VoteSender sender(rule);
  for (Step step = 0; step < options.steps; ++step) {
    std::vector<Bytes> codes;
    std::vector<VoteSpan> votes;
    for (std::uint32_t node = 0; node < options.nodes; ++node) {
      codes.push_back(sender.encode(
          replica.probe({voter(node), step, 0, rule.probes},
                        [&](std::span<const float> at) { return loss(at, node, step); })));
    }
    for (std::uint32_t node = 0; node < options.nodes; ++node) {
      votes.push_back({voter(node), step, 0, codes[node]});
    }
    replica.apply(votes);
  }
  return judge(replica.parameters(), options, loss);
}

/// Goes up or down from 0 for as long as the loss falls; out of divergence always down.
int best_octave(const std::function<double(int octave)>& loss_at) {
  const int direction = loss_at(1) < loss_at(0) ? 1 : -1;
  int best = 0;
  while (std::abs(best) < trial_octave_max) {
    const int next = best + direction;
    if (loss_at(next) >= loss_at(best) && loss_at(best) != worst_loss) break;
    best = next;
  }
  return best;
}

}  // namespace

VoteTuning tune_votes(const TuningOptions& options, std::span<const float> start,
                      const BatchLoss& loss) {
  VoteTuning result{.probe_size = find_probe_size(options, start, loss)};
  result.loss_before = judge(start, options, loss);
  LedgerRecipe rule = options.rule;
  rule.probe_size = result.probe_size;
  std::map<int, double> trials;
  const auto loss_at = [&](int octave) {
    const auto [trial, is_new] = trials.try_emplace(octave, worst_loss);
    rule.step_size = std::ldexp(options.rule.step_size, octave);
    if (is_new) trial->second = std::fmin(try_step_size(options, rule, start, loss), worst_loss);
    return trial->second;
  };
  result.step_size = std::ldexp(options.rule.step_size, best_octave(loss_at));
  for (const auto& [octave, loss_after] : trials) {
    result.trials.push_back({std::ldexp(options.rule.step_size, octave), loss_after});
  }
  return result;
}

}  // namespace starling::optim
