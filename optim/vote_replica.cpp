#include "optim/vote_replica.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <string>

#include "optim/ledger/grid.h"
#include "optim/ledger/kernels.h"
#include "optim/ledger/tile.h"
#include "starling/check.h"

namespace starling::optim {
namespace {

static_assert(std::endian::native == std::endian::little, "saved states are little endian");

/// Steps added in one pass over memory: 16 tiles of 256 KiB at most.
constexpr std::size_t tiles_per_pass_max = 16;

}  // namespace

VoteReplica::VoteReplica(const Recipe& recipe, const RunId& run, std::span<const float> parameters,
                         Step steps_total)
    : run_(run),
      count_(parameters.size()),
      rows_(hadamard_rows(recipe.votes.hadamard_rows, count_)),
      directions_(recipe.votes.directions),
      probe_size_(std::max(1, to_grid(static_cast<float>(recipe.votes.probe_size)))),
      step_table_(recipe.votes, count_, steps_total),
      grid_(padded_size(count_)),
      parameters_(grid_.size()) {
  STARLING_CHECK(count_ > 0);
  to_grid(parameters, std::span(grid_).first(count_));
}

std::vector<double> VoteReplica::probe(const NodeId& self, Step step, std::uint32_t first,
                                       std::uint32_t count, const LossOracle& loss) {
  const StepKeys keys = step_keys(run_, step);
  const AuthorStream author(keys, self, directions_);
  const double unit = 2.0 * double{from_grid(probe_size_)};
  double total = 0;
  std::vector<double> scalars(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t row = author.row(first + i, rows_);
    scalars[i] = loss_difference(keys.signs, row, loss, total) / unit;
  }
  if (count > 0) last_loss_ = total / (2.0 * count);
  return scalars;
}

double VoteReplica::loss_difference(const PhiloxKey& signs, std::uint32_t row,
                                    const LossOracle& loss, double& total) {
  const auto size = static_cast<std::uint32_t>(probe_size_);
  is_copied_ = false;
  const auto loss_after = [&](std::uint32_t step) {
    best_kernels().perturb({grid_, 0}, signs, {row, step}, parameters_.data());
    return loss(std::span<const float>(parameters_).first(count_));
  };
  const double forward = loss_after(0U - size);
  const double backward = loss_after(size);
  total += forward + backward;
  return forward - backward;
}

void VoteReplica::apply(std::span<const VoteSpan> votes) {
  std::map<Step, std::vector<VoteSpan>> steps;
  for (const VoteSpan& span : votes) steps[span.step].push_back(span);
  std::vector<StepTile> tiles;
  for (const auto& [step, of_step] : steps) {
    const StepRule rule{step_keys(run_, step), rows_, step_table_.unit_step(step), directions_};
    tiles.push_back(sum_votes(of_step, rule));
    if (tiles.size() < tiles_per_pass_max) continue;
    sweep_tiles({grid_, 0}, tiles, best_kernels());
    tiles.clear();
  }
  sweep_tiles({grid_, 0}, tiles, best_kernels());
  is_copied_ = false;
}

std::span<const float> VoteReplica::parameters() const {
  if (!is_copied_) from_grid(grid_, parameters_);
  is_copied_ = true;
  return std::span(parameters_).first(count_);
}

std::span<const std::int32_t> VoteReplica::grid() const {
  return std::span(grid_).first(count_);
}

void VoteReplica::set_grid(std::span<const std::int32_t> grid) {
  STARLING_CHECK(grid.size() == count_);
  std::ranges::copy(grid, grid_.begin());
  is_copied_ = false;
}

Bytes VoteReplica::save() const {
  Bytes state(count_ * sizeof(std::int32_t) + sizeof(last_loss_));
  std::memcpy(state.data(), &last_loss_, sizeof(last_loss_));
  std::memcpy(state.data() + sizeof(last_loss_), grid_.data(), count_ * sizeof(std::int32_t));
  return state;
}

Result<void> VoteReplica::load(ByteSpan state) {
  const std::size_t expected = count_ * sizeof(std::int32_t) + sizeof(last_loss_);
  if (state.size() != expected) {
    return failure("saved vote replica has " + std::to_string(state.size()) + " bytes, need " +
                   std::to_string(expected));
  }
  std::memcpy(&last_loss_, state.data(), sizeof(last_loss_));
  std::memcpy(grid_.data(), state.data() + sizeof(last_loss_), count_ * sizeof(std::int32_t));
  is_copied_ = false;
  return {};
}

}  // namespace starling::optim
