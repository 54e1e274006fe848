#pragma once
// A node that misses many votes: asks its neighbours which snapshots they have, measures a sample
// of the ledger, chooses (catch_up_plan.h), and follows its choice to the end. While it lasts the
// node casts no vote.
//
// A snapshot is not signed by the authors of its votes, so it is taken only if several neighbours
// name the same digest, where several have one.

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "node/core/bulk_progress.h"
#include "node/core/catch_up_plan.h"
#include "node/core/config.h"
#include "node/core/turn.h"
#include "protocol/ledger/ledger_sync.h"
#include "protocol/wire/message.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::node {

class VoteCatchUp {
 public:
  /// Both outlive it.
  VoteCatchUp(const Config& config, protocol::LedgerSync& ledger);

  /// Fetching is paused at first: to be called when the node begins, and after a version vector if
  /// it is due.
  void consider(Turn& turn);
  [[nodiscard]] bool is_due(Instant now) const { return !active() && now >= due_at_; }
  [[nodiscard]] bool active() const { return stage_ != Stage::idle; }
  /// When it began, the node had less than a third of the packets: what it would vote on is not the
  /// others' model. Half of a run that was divided from its first step on has half of them.
  [[nodiscard]] bool lacks_most() const { return active() && lacks_most_; }

  void neighbour_down(const NodeId& peer, Turn& turn);
  void receive(const NodeId& peer, const protocol::StateOffer& offer, Turn& turn);
  void receive(const NodeId& peer, const protocol::StateUnavailable& answer, Turn& turn);
  /// Packets of the ledger, already inserted.
  void receive(const NodeId& peer, const protocol::VoteRange& range, Turn& turn);
  /// The snapshot, if it is the one asked for: to be loaded, which is answered by loaded().
  [[nodiscard]] std::optional<LoadStateJob> receive(const NodeId& peer, protocol::Bulk&& state);
  /// A part of the snapshot has come: no other donor is asked while it goes on.
  void progressed(const BulkProgressed& progress, Instant now);
  void loaded(bool is_good, Turn& turn);
  /// Everything inserted has been applied; `step`: the newest voted on.
  void applied(Step step, Turn& turn);

  [[nodiscard]] Instant next_deadline() const { return deadline_; }
  void tick(Turn& turn);

  /// The last time.
  [[nodiscard]] const std::optional<CaughtUp>& result() const { return result_; }

 private:
  enum class Stage : std::uint8_t {
    idle,
    asking,     ///< Waits for offers.
    sampling,   ///< Waits for the sample's packets, and for their votes to be applied.
    replaying,  ///< Fetches what is missing; after a snapshot: the rest.
    fetching,   ///< Waits for the snapshot.
    loading
  };
  /// A range of packets that follows an offer on the same link: the time between the two is the
  /// time that the range's bytes took (packet pair: Keshav 1991).
  struct Sample {
    NodeId peer;
    Instant asked_at = {};
    Instant offered_at = Instant::never();
    Instant came_at = Instant::never();
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
  };
  struct Candidate {
    protocol::StateOffer offer;
    std::vector<NodeId> vouchers;
    std::size_t givers = 0;  ///< Neighbours that have any snapshot.
  };

  void ask(Turn& turn);
  void sample(Turn& turn);
  void choose(Turn& turn);
  void ask_later(Turn& turn);
  void fetch_snapshot(Turn& turn);
  void replay(std::optional<std::set<NodeId>> sources, Turn& turn);
  void renew_stall(Instant now);
  void stalled(Turn& turn);
  [[nodiscard]] Duration stall_time() const;
  void finish(Turn& turn);
  [[nodiscard]] std::set<NodeId> whole_ledgers() const;
  [[nodiscard]] std::optional<Candidate> vouched_snapshot() const;
  [[nodiscard]] CatchUpFacts facts(const std::optional<Candidate>& snapshot) const;
  [[nodiscard]] Duration scaled_time(Duration time) const;

  const Config& config_;
  protocol::LedgerSync& ledger_;
  Stage stage_ = Stage::idle;
  Instant deadline_ = Instant::never();
  Instant due_at_ = {};
  std::uint64_t request_ = 0;
  int rounds_ = 0;                                                ///< Of asking.
  std::map<NodeId, std::optional<protocol::StateOffer>> offers_;  ///< Of those asked.
  Sample sample_;
  double packet_s_ = 0;              ///< NaN before a sample was applied, as the next.
  double download_bytes_per_s_ = 0;  ///< Likewise.
  CatchUpPlan plan_;
  Instant chosen_at_;
  Step newest_step_ = 0;
  std::uint64_t packets_given_up_ = 0;       ///< Told of by neighbours, and given by none.
  std::vector<protocol::VoteCount> target_;  ///< What neighbours held when the choice was made.
  std::uint64_t target_missing_ = 0;         ///< Of target_, when last looked at.
  bool has_asked_all_ = false;               ///< Since the last packet of target_ came.
  std::optional<Candidate> candidate_;       ///< Being fetched.
  NodeId donor_;
  std::set<NodeId> failed_;  ///< Donors of a snapshot that did not come, or was another.
  bool lacks_most_ = false;
  std::optional<CaughtUp> result_;
};

}  // namespace starling::node
