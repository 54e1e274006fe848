#include "optim/vote_replica.h"

#include <algorithm>
#include <utility>

#include "optim/ledger/grid.h"
#include "optim/ledger/projection.h"
#include "starling/check.h"

namespace starling::optim {
namespace {

/// Steps added in one pass over memory: 16 tiles of 256 KiB at most.
constexpr std::size_t tiles_per_pass_max = 16;

/// Parameters of a piece that one thread works on: some 50 us a tile, much more than it takes to
/// wake a thread. Our guess.
constexpr std::size_t piece_size = std::size_t{1} << 18U;
static_assert(piece_size % group_size == 0, "kernels work on whole groups");

double squared_norm(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += double{value} * value;
  return sum;
}

}  // namespace

VoteReplica::VoteReplica(const Recipe& recipe, const RunId& run, std::span<const float> parameters,
                         Step steps_total)
    : VoteReplica({recipe.ledger(), run, steps_total}, Movement(recipe.ledger(), parameters.size()),
                  parameters) {
  STARLING_CHECK(recipe.ledger().segment_factors.empty());
}

VoteReplica::VoteReplica(const VoteRun& run, Movement movement, std::span<const float> parameters)
    : run_(run.id),
      movement_(std::move(movement)),
      directions_(run.rule.directions),
      probe_size_(std::max(1, to_grid(static_cast<float>(run.rule.probe_size)))),
      weight_decay_(run.rule.weight_decay),
      step_table_(run.rule, movement_.active_count(), run.steps_total),
      grid_(parameters.size()),
      parameters_(parameters.size()) {
  to_grid(parameters, grid_);
}

std::vector<double> VoteReplica::probe(const ProbeRange& probes, const LossOracle& loss) {
  const StepKeys keys = step_keys(run_, probes.step);
  const AuthorStream author(keys, probes.author, directions_);
  const auto moving = pieces(movement_.part(probes.step));
  static_cast<void>(parameters());  // the ones that stay where they are
  is_copied_ = false;
  double total = 0;
  const auto loss_after = [&](const RowVote& vote) {
    for_each_piece(moving,
                   [&](const MovingGrid& piece) { piece.perturb(keys.signs, vote, parameters_); });
    const double task_loss = loss(parameters_);
    total += task_loss;
    return task_loss + (weight_decay_ > 0 ? weight_decay_ / 2 * squared_norm(parameters_) : 0);
  };
  const auto size = static_cast<std::uint32_t>(probe_size_);
  std::vector<double> scalars(probes.count);
  for (std::uint32_t i = 0; i < probes.count; ++i) {
    const std::uint32_t row = author.row(probes.first + i, movement_.rows());
    const double forward = loss_after({row, 0U - size});
    const double backward = loss_after({row, size});
    scalars[i] = (forward - backward) / (2.0 * double{from_grid(probe_size_)});
  }
  if (probes.count > 0) last_loss_ = total / (2.0 * probes.count);
  return scalars;
}

std::vector<double> VoteReplica::project(const ProbeRange& probes,
                                         std::span<const float> gradient) const {
  STARLING_CHECK(gradient.size() == grid_.size());
  std::vector<float> whole(gradient.begin(), gradient.end());
  if (weight_decay_ > 0) {
    const std::span<const float> now = parameters();
    for (std::size_t i = 0; i < whole.size(); ++i) {
      whole[i] += static_cast<float>(weight_decay_) * now[i];
    }
  }
  const StepKeys keys = step_keys(run_, probes.step);
  const AuthorStream author(keys, probes.author, directions_);
  const std::vector<Stretch> stretches = movement_.stretches(movement_.part(probes.step));
  const auto of_rows =
      project_on_rows(keys.signs, movement_.rows(), moving_values(stretches, whole));
  std::vector<double> scalars(probes.count);
  for (std::uint32_t i = 0; i < probes.count; ++i) {
    scalars[i] = of_rows[author.row(probes.first + i, movement_.rows())];
  }
  return scalars;
}

void VoteReplica::write_direction(const ProbeRange& probes, std::size_t index,
                                  std::span<float> out) const {
  STARLING_CHECK(out.size() == grid_.size());
  const StepKeys keys = step_keys(run_, probes.step);
  const AuthorStream author(keys, probes.author, directions_);
  const auto probe = probes.first + static_cast<std::uint32_t>(index);
  const std::vector<Stretch> stretches = movement_.stretches(movement_.part(probes.step));
  optim::write_direction(keys.signs, author.row(probe, movement_.rows()), stretches, out);
}

void VoteReplica::apply(std::span<const VoteSpan> votes) {
  std::map<std::size_t, VotesByStep> parts;
  for (const VoteSpan& span : votes) parts[movement_.part(span.step)][span.step].push_back(span);
  for (const auto& [part, steps] : parts) apply_to_part(part, steps);
  is_copied_ = false;
}

void VoteReplica::apply_to_part(std::size_t part, const VotesByStep& steps) {
  const auto moving = pieces(part);
  std::vector<StepTile> tiles;
  const auto sweep = [&] {
    for_each_piece(moving, [&](const MovingGrid& piece) { piece.sweep(tiles); });
    tiles.clear();
  };
  for (const auto& [step, votes] : steps) {
    const StepRule rule{step_keys(run_, step), movement_.rows(), step_table_.unit_step(step),
                        directions_};
    tiles.push_back(sum_votes(votes, rule, *machine_.kernels));
    if (tiles.size() == tiles_per_pass_max) sweep();
  }
  sweep();
}

std::vector<std::vector<Stretch>> VoteReplica::pieces(std::size_t part) const {
  return cut(movement_.stretches(part), piece_size);
}

void VoteReplica::for_each_piece(std::span<const std::vector<Stretch>> pieces,
                                 const std::function<void(const MovingGrid& piece)>& work) {
  machine_.parallel_for(
      pieces.size(), [&](std::size_t i) { work(MovingGrid{grid_, pieces[i], *machine_.kernels}); });
}

std::span<const float> VoteReplica::parameters() const {
  if (!is_copied_) from_grid(grid_, parameters_);
  is_copied_ = true;
  return parameters_;
}

std::span<const std::int32_t> VoteReplica::grid() const {
  return grid_;
}

void VoteReplica::set_grid(std::span<const std::int32_t> grid) {
  STARLING_CHECK(grid.size() == grid_.size());
  std::ranges::copy(grid, grid_.begin());
  is_copied_ = false;
}

}  // namespace starling::optim
