#pragma once
// Models rebuilt from the packets of a ledger alone: no task, no peers. What `starling replay`
// prints, and what tests compare nodes with.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <variant>
#include <vector>

#include "node/core/learner_job.h"
#include "node/core/saved_state.h"
#include "optim/recipe.h"
#include "optim/vote_replica.h"
#include "protocol/wire/announcement.h"
#include "starling/ids.h"
#include "starling/result.h"
#include "starling/task.h"

namespace starling::node {

struct LedgerReplayOptions {
  optim::Recipe recipe;
  RunId run;
  Step steps_total = 0;                ///< The run's; its step table depends on it.
  std::vector<Segment> segments = {};  ///< The task's, for a recipe with segment_factors.
};

/// One author's packet of votes.
struct LedgerPacket {
  NodeId author;
  protocol::VotePacket packet;
};

/// What a record of a ledger's log holds: votes, or that an author's votes are void.
using LedgerRecord = std::variant<LedgerPacket, protocol::EquivocationProof>;

/// Error: neither of this run, or a signature that does not verify.
[[nodiscard]] Result<LedgerRecord> open_record(ByteSpan record, const RunId& run);

/// Of each author whom a proof among `records` convicts, the number from which its packets are
/// void.
[[nodiscard]] std::map<NodeId, std::uint64_t> voided_from(std::span<const LedgerRecord> records);

/// The packets of `records` that are not void, in their order.
[[nodiscard]] std::vector<LedgerPacket> valid_packets(std::vector<LedgerRecord> records);

class LedgerReplay {
 public:
  /// base: the starting point (step 0, no votes) or a snapshot.
  /// Error: a state of another recipe, or of none that votes; segments that the recipe names and
  /// the options do not.
  [[nodiscard]] static Result<LedgerReplay> create(LedgerReplayOptions options,
                                                   const SavedState& base);

  /// Takes in a packet, in any order; one that is held already is left out.
  void add(const LedgerPacket& cast);

  /// Applies all votes of steps below `step` that have been added and not applied.
  void advance(Step step);

  /// A packet that must have existed and was never added: then no model is that of its step.
  [[nodiscard]] std::optional<protocol::VoteCount> first_missing() const;
  /// One more than the newest step voted on.
  [[nodiscard]] Step end() const { return end_; }
  [[nodiscard]] std::uint64_t votes() const { return votes_; }  ///< In the present model.
  [[nodiscard]] std::span<const std::int32_t> grid() const { return replica_.grid(); }
  [[nodiscard]] Digest digest() const;  ///< As nodes report it.

 private:
  LedgerReplay(LedgerReplayOptions options, optim::Movement movement, const SavedState& base);

  LedgerReplayOptions options_;
  optim::VoteReplica replica_;
  std::map<NodeId, std::uint64_t> based_on_;  ///< Packets contained from the beginning.
  std::map<NodeId, std::set<std::uint64_t>> held_;
  std::map<Step, std::vector<VoteBatch>> waiting_;
  std::uint64_t votes_ = 0;
  Step end_ = 0;
};

}  // namespace starling::node
