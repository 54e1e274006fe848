#include "optim/ledger/vote_sum.h"

#include "optim/ledger/vote_code.h"

namespace starling::optim {

StepTile sum_votes(std::span<const VoteSpan> votes, const StepRule& rule,
                   const LedgerKernels& kernels) {
  StepTile tile(rule.keys.signs, rule.rows);
  for (const VoteSpan& span : votes) {
    const AuthorStream author(rule.keys, span.author, rule.directions);
    std::uint32_t probe = span.first_probe;
    for (const VoteCode code : span.codes) {
      const std::uint64_t rounding = author.rounding_bits(probe);
      tile.add({author.row(probe, rule.rows), vote_step(code, rule.unit_step, rounding)});
      ++probe;
    }
  }
  tile.transform(kernels);
  return tile;
}

}  // namespace starling::optim
