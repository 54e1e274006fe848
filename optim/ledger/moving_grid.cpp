#include "optim/ledger/moving_grid.h"

#include <algorithm>
#include <array>
#include <limits>

namespace starling::optim {
namespace {

/// What a step adds to one group of moving parameters, before their factors.
using GroupChange = std::array<std::int32_t, group_size>;

/// Keeps the change of the group asked for last: stretches shorter than a group share one.
template <class Compute>
class ChangedGroup {
 public:
  explicit ChangedGroup(Compute compute) : compute_(compute) {}

  const GroupChange& of(std::size_t group) {
    if (group != group_) {
      change_.fill(0);
      compute_(GridPart{change_, group});
      group_ = group;
    }
    return change_;
  }

 private:
  Compute compute_;
  std::size_t group_ = std::numeric_limits<std::size_t>::max();
  GroupChange change_{};
};

/// Parameters of the model from `offset` on, the first of them number `first` of those that move.
struct Run {
  std::size_t first;
  std::size_t offset;
  std::size_t length;
};

/// Calls whole(run) for runs of whole groups that kernels can treat in place, and
/// part(run, shift) for what lies within one group.
template <class Whole, class Part>
void for_each_run(std::span<const Stretch> stretches, Whole whole, Part part) {
  for (const Stretch& stretch : stretches) {
    for (std::size_t at = 0; at < stretch.length;) {
      Run run{stretch.first + at, stretch.offset + at, stretch.length - at};
      const std::size_t in_group = run.first % group_size;
      if (stretch.shift == 0 && in_group == 0 && run.length >= group_size) {
        run.length -= run.length % group_size;
        whole(run);
      } else {
        run.length = std::min(run.length, group_size - in_group);
        part(run, stretch.shift);
      }
      at += run.length;
    }
  }
}

/// The change of a run's parameter k, which lies within the group.
std::uint32_t change_of(const GroupChange& change, const Run& run, std::size_t k, unsigned shift) {
  return static_cast<std::uint32_t>(change[run.first % group_size + k]) << shift;
}

}  // namespace

void MovingGrid::sweep(std::span<const StepTile> tiles) const {
  const auto add = [&](const GridPart& part) { sweep_tiles(part, tiles, kernels); };
  ChangedGroup changed(add);
  for_each_run(
      stretches,
      [&](const Run& run) { add({grid.subspan(run.offset, run.length), run.first / group_size}); },
      [&](const Run& run, unsigned shift) {
        const GroupChange& change = changed.of(run.first / group_size);
        for (std::size_t k = 0; k < run.length; ++k) {
          std::int32_t& value = grid[run.offset + k];
          value = wrapping_add(value, change_of(change, run, k, shift));
        }
      });
}

void MovingGrid::perturb(const PhiloxKey& signs, const RowVote& vote, std::span<float> out) const {
  ChangedGroup changed(
      [&](const GridPart& part) { kernels.add_votes(part, signs, std::span(&vote, 1)); });
  for_each_run(
      stretches,
      [&](const Run& run) {
        kernels.perturb({grid.subspan(run.offset, run.length), run.first / group_size}, signs, vote,
                        out.data() + run.offset);
      },
      [&](const Run& run, unsigned shift) {
        const GroupChange& change = changed.of(run.first / group_size);
        for (std::size_t k = 0; k < run.length; ++k) {
          out[run.offset + k] =
              from_grid(wrapping_add(grid[run.offset + k], change_of(change, run, k, shift)));
        }
      });
}

}  // namespace starling::optim
