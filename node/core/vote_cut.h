#pragma once
// What a snapshot of the ledger contains: a prefix of each author's packets, so that a version
// vector names it exactly. What else has been applied (newer steps, packets beyond a gap) is taken
// out of the sum.

#include <vector>

#include "node/core/learner_job.h"
#include "protocol/ledger/ledger_sync.h"
#include "starling/ids.h"

namespace starling::node {

struct CutOptions {
  Step step = 0;          ///< Packets from this step on are left out.
  Step window_steps = 0;  ///< The recipe's: void packets are contained and count nothing.
  /// Of an earlier cut: contained without being looked at again.
  std::vector<protocol::VoteCount> known;
};

/// The votes counted are left 0. A packet whose bytes were let go is contained: it is old.
[[nodiscard]] VoteCut cut_before(const CutOptions& options, const protocol::LedgerSync& ledger);

/// A packet of the ledger as the learner applies it; no codes if it is void.
[[nodiscard]] VoteBatch batch_of(const protocol::HeldPacket& held, Step window_steps);

}  // namespace starling::node
