#include "optim/vote_sender.h"

#include <algorithm>

#include "optim/ledger/vote_code.h"

namespace starling::optim {

Bytes VoteSender::encode(std::span<const double> scalars) const {
  Bytes codes(scalars.size());
  std::ranges::transform(scalars, codes.begin(),
                         [this](double scalar) { return encode_vote(scalar / rule_.scale); });
  return codes;
}

}  // namespace starling::optim
