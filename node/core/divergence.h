#pragma once
// Finds out that two replicas of the same votes differ, where they do, and which one is wrong
// (docs/LEDGER.md, Divergence). The ledger is the truth: a replica that is doubted is computed anew
// from it, and no majority is asked.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "node/core/config.h"
#include "node/core/turn.h"
#include "protocol/ledger/ledger_digest.h"
#include "protocol/ledger/ledger_sync.h"

namespace starling::node {

class Divergence {
 public:
  Divergence(const Config& config, const protocol::LedgerSync& ledger)
      : config_(config), ledger_(ledger) {}

  void neighbour_up(const NodeId& peer, Turn& turn) { book_.neighbour_up(peer, turn.effects); }
  void neighbour_down(const NodeId& peer) { book_.neighbour_down(peer); }

  /// A packet whose votes count. Its ApplyVotesJob precedes the next proceed().
  void counted(ByteSpan signed_bytes, const VoteBatch& batch);
  /// A packet that counted and is void now.
  void voided(ByteSpan signed_bytes, const VoteBatch& batch);
  /// The replica has become a snapshot, which does not name the packets in it: from here on nothing
  /// can be compared.
  void begin_with_snapshot() { has_all_names_ = false; }
  /// Takes the model's digest if `step`, the node's own, is far enough beyond a cut.
  void proceed(Step step, Turn& turn);

  /// Messages and results that are about digests; others are left alone.
  void receive(const NodeId& peer, const protocol::Message& message, Turn& turn);
  void finished(const LearnerResult& result, Turn& turn);
  [[nodiscard]] bool has_other_votes(const protocol::CutDigest& theirs) const {
    return book_.has_other_votes(theirs);
  }

  /// The replica is being computed anew.
  [[nodiscard]] bool rebuilding() const { return suspicion_ && !suspicion_->is_cleared; }
  void fill(NodeStatus& status) const;

 private:
  struct Counted {
    Digest packet;
    VoteBatch batch;
  };
  /// One cut at which neighbours hold other models.
  struct Suspicion {
    Step step = 0;
    /// Where each differs from us; nothing before its parts have come.
    std::map<NodeId, std::vector<IndexRange>> peers;
    bool is_cleared = false;  ///< Our own replica was rebuilt and had been right.
  };

  [[nodiscard]] Step newest_cut(Step step) const;
  void compared(const protocol::Comparison& comparison, Turn& turn);
  void suspect(const protocol::Comparison& comparison, Turn& turn);
  void parts_came(const NodeId& peer, const protocol::CutParts& parts, Turn& turn);
  void digested(const CutDigestDone& done, Turn& turn);
  void rebuilt(const RebuildDone& done, Turn& turn);
  void report(const NodeId& wrong, const std::vector<IndexRange>& ranges, Turn& turn) const;

  const Config& config_;
  const protocol::LedgerSync& ledger_;
  protocol::DigestBook book_;
  protocol::PacketSet counted_;  ///< All packets that count.
  std::map<Step, std::vector<Counted>>
      recent_;                                ///< Those of steps that a cut may have to take out.
  Step newest_ = 0;                           ///< Of all packets.
  Step cut_ = 0;                              ///< The last one taken, or being taken.
  std::optional<protocol::CutDigest> asked_;  ///< Being digested.
  std::optional<Suspicion> suspicion_;
  std::set<NodeId> refuted_;   ///< Differed when we were right; believed again once they agree.
  bool has_all_names_ = true;  ///< Of the packets in the model.
  Step agreed_step_ = 0;
  std::uint64_t divergences_ = 0;
};

}  // namespace starling::node
