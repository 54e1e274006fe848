#pragma once
// The final merge (docs/WIRE.md, adr/0018). This class leads from the proposal over commitments to
// the roster; from there on it is a MergeRun.
//
// Who decides: the proposer names the roster, the roots of slices say what the slices are, and the
// closer (the proposer, as long as it is there) says when the merge is over.

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "protocol/merge/commitments.h"
#include "protocol/merge/merge_output.h"
#include "protocol/merge/merge_run.h"
#include "protocol/merge/roster_exchange.h"
#include "protocol/wire/announcement.h"
#include "protocol/wire/message.h"
#include "starling/instant.h"

namespace starling::protocol {

class Merge {
 public:
  struct Options {
    NodeId self;
    RunId run;
    std::uint64_t weight = 1;
    std::size_t values = 0;  ///< Of the vector.
    /// A merge of no more than this share of the nodes ever seen is not final by itself.
    double quorum = 0.5;
    double interval_scale = 1;                        ///< Times all intervals of the merge; > 0.
    Duration commit_time = std::chrono::seconds(20);  ///< For commitments, from the proposal.
    Duration roster_time = std::chrono::seconds(60);  ///< For the roster, from its digest.
  };
  struct Terms {
    Step cut_off = 0;
    std::set<NodeId> expected;  ///< Whose commitments end the wait early (ourselves included).
    bool accepts_partial = false;
  };
  /// What this node gives to a merge.
  struct Contribution {
    /// Of its vector. Nothing: it has no sound one, and takes part with weight 0; others send their
    /// parts through it, and it takes the result.
    std::optional<Digest> digest;
    Step step = 0;
    std::vector<NodeId> neighbours;  ///< Linked ones, links_max at most.
  };
  explicit Merge(Options options);

  /// How many nodes of the run this one has ever heard of, itself included.
  void set_nodes_seen(std::uint32_t nodes) { nodes_seen_ = nodes; }

  /// As the proposer.
  void propose(const Digest& merge, Terms terms, Instant now, MergeOutput output);
  /// A verified announcement of the merge kinds; others are ignored. from: the neighbour that
  /// brought it.
  void on_announcement(const NodeId& author, const Announcement& content,
                       const std::optional<NodeId>& from, Instant now, MergeOutput output);
  /// A commitment that a neighbour passed on, its signature verified.
  void on_commitment(const NodeId& author, const MergeCommitment& commitment, Bytes signed_bytes,
                     const NodeId& from, Instant now, MergeOutput output);
  void on_signed_commitment(const MergeCommitment& commitment, Bytes signed_bytes, Instant now,
                            MergeOutput output);
  void on_contribution(const Digest& merge, Contribution contribution, MergeOutput output);
  void on_bulk(const NodeId& peer, Bulk&& bulk, Instant now, MergeOutput output);
  void on_summed(const Digest& merge, std::uint32_t slice, Member root, SharedBytes sum,
                 MergeOutput output);
  void on_own_part(const Digest& merge, std::uint32_t slice, Member root, SharedBytes blocks,
                   MergeOutput output);
  void on_averaged(const Digest& merge, std::uint32_t slice, SharedBytes data, const Digest& digest,
                   Instant now, MergeOutput output);
  void on_adopted(const Digest& merge, const Digest& model, Instant now, MergeOutput output);
  void receive(const NodeId& peer, const MergeSliceRequest& request, MergeOutput output);
  void receive(const NodeId& peer, const MergeRosterRequest& request, MergeOutput output);
  void receive(const MergeAttested& attested, Instant now);

  void on_link_up(const NodeId& peer, Instant now, MergeOutput output);
  void on_link_down(const NodeId& peer, Instant now, MergeOutput output);

  [[nodiscard]] Instant next_deadline() const;
  void tick(Instant now, MergeOutput output);

  /// From the proposal on: no further training.
  [[nodiscard]] bool running() const { return stage_ == Stage::committing || (run_ && !done()); }
  [[nodiscard]] bool done() const { return run_ && run_->is_done(); }
  /// The merge was given up, for the reason of failure(). propose() may be called again.
  [[nodiscard]] bool failed() const { return failure_.has_value(); }
  [[nodiscard]] const std::string& failure() const { return *failure_; }

 private:
  enum class Stage : std::uint8_t { idle, committing, merging };
  struct Early {
    NodeId author;
    Announcement content;
    std::optional<NodeId> from;
    Bytes signed_bytes;  ///< Of a commitment.
  };

  /// This process cuts the roster. One that is told of a proposal from before its restart only
  /// joins.
  [[nodiscard]] bool leads() const { return proposed_ == proposal_.merge; }
  [[nodiscard]] bool is_early(const Announcement& content) const;
  [[nodiscard]] bool is_outvoted_by(const Announcement& content) const;
  void keep_early(Early early);
  void replay_early(Instant now, MergeOutput output);
  void take_proposal(const NodeId& author, const MergeProposal& proposal,
                     const std::optional<NodeId>& from, Instant now, MergeOutput output);
  void take_roster(const NodeId& author, const MergeRoster& word, const std::optional<NodeId>& from,
                   Instant now, MergeOutput output);
  void take_roster_content(SharedBytes content, Instant now, MergeOutput output);
  void commit(MergeOutput output);
  void cut_roster_if_all_here(Instant now, MergeOutput output);
  void cut_roster(Instant now, MergeOutput output);
  void begin_run(Roster roster, Instant now, MergeOutput output);
  void give_up(std::string reason, Instant now, MergeOutput output);
  /// Calls `call(run)` if this merge has come so far, and gives up with it.
  template <class Call>
  void in_run(const Digest& merge, Instant now, MergeOutput output, const Call& call);

  Options options_;
  Stage stage_ = Stage::idle;
  std::uint32_t nodes_seen_ = 0;
  NodeId proposer_;
  MergeProposal proposal_;
  std::optional<Digest> proposed_;  ///< The last merge that this process proposed.
  std::set<NodeId> expected_;
  Instant deadline_ = Instant::never();  ///< Of committing.
  std::set<NodeId> linked_;              ///< Of all nodes, members or not.
  std::optional<Contribution> own_;
  bool has_committed_ = false;  ///< This process, to this merge.
  Commitments commitments_;
  RosterExchange rosters_;
  std::unique_ptr<MergeRun> run_;  ///< From the roster on.
  std::vector<Early> early_;       ///< To be heard again at the next stage.
  std::vector<std::pair<NodeId, Bulk>> early_bulk_;
  std::size_t early_bulk_bytes_ = 0;
  std::vector<MergeAttested> early_attested_;  ///< Of neighbours that had the roster sooner.
  std::optional<std::string> failure_;
};

}  // namespace starling::protocol
