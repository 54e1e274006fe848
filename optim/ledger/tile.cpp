#include "optim/ledger/tile.h"

#include <algorithm>
#include <bit>

#include "starling/check.h"

namespace starling::optim {
StepTile::StepTile(const PhiloxKey& signs, std::uint32_t rows)
    : signs_(signs), rows_(rows), sums_(std::max<std::size_t>(rows, group_size)) {
  STARLING_CHECK(std::has_single_bit(rows));
}

void StepTile::transform(const LedgerKernels& kernels) {
  const std::span<std::uint32_t> period = std::span(sums_).first(rows_);
  kernels.transform(period);
  for (std::size_t at = rows_; at < sums_.size(); at += rows_) {
    std::ranges::copy(period, sums_.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

void sweep_tiles(const GridPart& part, std::span<const StepTile> tiles,
                 const LedgerKernels& kernels) {
  STARLING_CHECK(part.grid.size() % group_size == 0);
  for (std::size_t start = 0; start < part.grid.size(); start += cached_size) {
    const std::size_t size = std::min(cached_size, part.grid.size() - start);
    const GridPart block{part.grid.subspan(start, size), part.first_group + start / group_size};
    for (const StepTile& tile : tiles) kernels.sweep(block, tile.summed());
  }
}

}  // namespace starling::optim
