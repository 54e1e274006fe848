#pragma once
// The sender's side of a vote: what a node makes of the scalars that its probes measured before
// they leave it as bytes. The ledger sums whatever bytes arrive, so nothing here has to be equal on
// two machines.

#include <span>

#include "optim/recipe.h"
#include "starling/ids.h"

namespace starling::optim {

class VoteSender {
 public:
  explicit VoteSender(const LedgerRecipe& rule) : rule_(rule) {}

  /// One byte per scalar (ledger/vote_code.h), in the same order.
  [[nodiscard]] Bytes encode(std::span<const double> scalars) const;

 private:
  LedgerRecipe rule_;
};

}  // namespace starling::optim
