#pragma once
// The clock of zeroth-order votes: one packet of one-byte votes per node and step, broadcast to all
// and added by all (LEDGER.md). A node casts for step t once it holds every present node's packet
// of step t - 2, or has waited long enough: nobody waits for the slowest for more than a moment.

#include <map>
#include <optional>
#include <vector>

#include "node/core/company_pace.h"
#include "node/core/divergence.h"
#include "node/core/snapshot_donor.h"
#include "node/core/trainer.h"
#include "node/core/vote_catch_up.h"
#include "node/core/vote_privacy.h"
#include "protocol/ledger/ledger_sync.h"

namespace starling::node {

class VoteTrainer final : public Trainer {
 public:
  VoteTrainer(const Config& config, const Roll& roll);

  void start(Step step, Turn& turn) override;
  void stop(Turn& turn) override;
  void neighbour_up(const NodeId& peer, Turn& turn) override;
  void neighbour_down(const NodeId& peer, Turn& turn) override;
  void give_up(const NodeId& peer, Turn& turn) override;
  void receive(const NodeId& peer, protocol::Message&& message, Turn& turn) override;
  void receive(const protocol::SignedAnnouncement& announcement, Bytes&& signed_bytes,
               Turn& turn) override;
  void finished(LearnerResult& result, Turn& turn) override;
  void progressed(const BulkProgressed& progress, Turn& turn) override {
    catch_up_.progressed(progress, turn.now);
  }
  [[nodiscard]] Instant next_deadline() const override;
  void tick(Turn& turn) override;
  [[nodiscard]] Step step() const override { return step_; }
  /// Nothing more to cast: the steps are done, or the privacy is spent.
  [[nodiscard]] bool complete() const override;
  /// Every vote that a neighbour holds is held and applied here.
  [[nodiscard]] bool settled() const override;
  [[nodiscard]] bool catching_up() const override { return catch_up_.active(); }
  [[nodiscard]] bool needs_state() const override { return false; }
  void fill(NodeStatus& status) const override;

  void restore(const protocol::SignedAnnouncement& announcement, Bytes signed_bytes,
               Turn& turn) override;
  void load(protocol::SharedBytes state, Turn& turn) override;
  void loaded(const LoadStateDone& done, Turn& turn) override;
  void saved(const SaveStateDone& done, Turn& turn) override;

 private:
  /// Until it is loaded no vote is applied: what the state contains must not be added twice.
  struct LoadingState {
    protocol::SharedBytes state;
    bool is_from_peer = false;
  };

  void proceed(Turn& turn);
  void insert(const protocol::SignedAnnouncement& announcement, Bytes signed_bytes, bool is_logged,
              Turn& turn);
  // vote_snapshots.cpp
  void begin_load(LoadStateJob job, bool is_from_peer, Turn& turn);
  void adopt(const LoadStateDone& done, LoadingState&& loaded, Turn& turn);
  void save_if_due(Turn& turn);

  // vote_equivocation.cpp
  void expose(const protocol::SignedAnnouncement& announcement, const Bytes& signed_bytes,
              Turn& turn);
  void convict(const protocol::EquivocationProof& proof, Bytes signed_bytes, bool is_logged,
               Turn& turn);
  void take_out(const NodeId& author, std::uint64_t packet, const Bytes& signed_bytes);
  [[nodiscard]] bool holds_void(const std::vector<protocol::VoteCount>& counts) const;
  void begin_anew(Turn& turn);

  void receive(const NodeId& peer, const protocol::VoteVector& vector, Turn& turn);
  void receive(const NodeId& peer, protocol::VoteRange&& range, Turn& turn);
  void apply_pending(Turn& turn);
  void check_privacy(Turn& turn);
  [[nodiscard]] bool votes_on(const NodeId& voter) const;
  [[nodiscard]] bool is_behind(const NodeId& voter) const;
  /// Voters hear of each other by the votes themselves: no hello is waited for.
  [[nodiscard]] Company company() const {
    return neighbours_ > 0 ? Company::trains : Company::none;
  }
  [[nodiscard]] bool in_step();
  [[nodiscard]] bool is_held_back() const;
  [[nodiscard]] bool awaits_first_word(Instant now) const;
  [[nodiscard]] Step complete_through() const;
  [[nodiscard]] Duration patience() const;

  const Config& config_;
  const Roll& roll_;
  protocol::LedgerSync ledger_;
  VoteCatchUp catch_up_;
  SnapshotDonor donor_;
  Divergence divergence_;
  VotePrivacy privacy_;
  std::map<NodeId, Step> latest_;   ///< The newest step that each author has voted on.
  Step newest_step_ = 0;            ///< Of all of latest_.
  NodeId waiting_for_;              ///< A voter that was behind when last looked at.
  std::vector<VoteBatch> pending_;  ///< Stored, not applied yet.
  /// Of pending_, how many the replica holds already: they count only if a load replaces it.
  std::size_t pending_applied_ = 0;
  std::optional<LoadingState> loading_;
  std::uint64_t votes_counted_ = 0;  ///< In the ledger's sum, pending ones too.
  std::optional<SnapshotSaved> snapshot_;
  std::vector<protocol::VoteCount> cut_packets_;  ///< Of the newest cut.
  Step cut_step_ = 0;                             ///< Likewise.
  Step step_ = 0;
  Step replica_step_ = 0;  ///< What the running probe is evaluated on: all votes before this step.
  std::size_t neighbours_ = 0;
  std::uint64_t packets_cast_ = 0;
  std::uint64_t packets_cast_here_ = 0;  ///< Of them, by this process.
  std::uint64_t votes_cast_ = 0;
  CompanyPace pace_;
  Instant patience_ends_ = Instant::never();
  Instant resync_at_ = Instant::never();
  Digest last_digest_;  ///< Of the ledger, at the last look.
  Instant own_votes_awaited_until_ = {};
  Instant sole_process_at_ = {};
  bool started_ = false;
  bool stopped_ = false;
  bool probing_ = false;
  bool privacy_is_spent_ = false;
  bool is_convicted_ = false;  ///< Our own packets are void from some number on.
  bool begins_anew_ = false;   ///< As soon as the load under way is over.
  int rebuilding_anew_ = 0;    ///< RebuildJobs of begin_anew() under way.
  int applying_ = 0;           ///< ApplyVotesJobs under way.
};

}  // namespace starling::node
