#pragma once
// The final merge (PROTOCOL.md section 6): proposal, commitments, roster, reduce-scatter in fixed
// point, manifest. Member vectors are summed slice by slice by the slices' owners, in integers, so
// the result does not depend on the order of arrival; each member receives every merged slice and
// checks its digest.
//
// Who decides: the proposer names the roster. A slice's owner is the first living roster member in
// rendezvous order (Thaler, Ravishankar 1998); when an owner's link breaks and it cannot be
// dialled, the next in order takes over and the members send the slice again.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "protocol/effects.h"
#include "protocol/merge/slice_plan.h"
#include "protocol/wire/announcement.h"
#include "protocol/wire/message.h"
#include "starling/check.h"
#include "starling/event.h"
#include "starling/instant.h"

namespace starling::protocol {

// --- What the machine asks of its owner, besides Effects ---

struct AnnounceMerge {
  Announcement content;
};
/// Train no further; hand the fixed-point vector to on_contribution().
struct NeedContribution {
  Digest merge;
};
struct SlicePart {
  std::uint64_t weight = 1;
  Bytes data;
};
/// Weighted mean of the parts, to on_averaged().
struct NeedAverage {
  Digest merge;
  std::uint32_t slice = 0;
  std::vector<SlicePart> parts;
};
/// The whole merged vector; the digest of the model made of it goes to on_adopted().
struct NeedAdoption {
  Digest merge;
  Bytes vector;
};
struct MergeComplete {
  Manifest manifest;
};
using MergeRequest =
    std::variant<AnnounceMerge, NeedContribution, NeedAverage, NeedAdoption, MergeComplete>;

struct MergeOutput {
  Effects& effects;
  std::vector<MergeRequest>& requests;
};

class Merge {
 public:
  struct Options {
    PeerRecord self;
    RunId run;
    std::uint64_t weight = 1;
    std::size_t vector_bytes = 0;
    Duration commit_time = std::chrono::seconds(20);        ///< For commitments, from the proposal.
    Duration slice_time = std::chrono::seconds(30);         ///< For slices, from the roster.
    Duration redial_time = std::chrono::milliseconds(500);  ///< After a refused dial.
    Duration attest_time = std::chrono::seconds(5);         ///< For the others' word on the digest.
  };
  explicit Merge(Options options) : options_(std::move(options)), plan_(options_.vector_bytes) {}

  /// As the proposer. expected: nodes whose commitment ends the wait early (ourselves included).
  void propose(const Digest& merge, Step cut_off, std::set<NodeId> expected, Instant now,
               MergeOutput output);
  /// A verified announcement of the merge kinds; others are ignored.
  void on_announcement(const NodeId& author, const Announcement& content, Instant now,
                       MergeOutput output);
  void on_contribution(const Digest& merge, Bytes vector, const Digest& digest, Step step,
                       Instant now, MergeOutput output);
  void on_slice(const NodeId& peer, Bulk&& bulk, MergeOutput output);
  void on_averaged(std::uint32_t slice, const Bytes& data, const Digest& digest, Instant now,
                   MergeOutput output);
  void on_adopted(const Digest& model, Instant now, MergeOutput output);
  void on_slice_request(const NodeId& peer, const MergeSliceRequest& request, MergeOutput output);

  void on_link_up(const NodeId& peer, MergeOutput output);
  void on_link_down(const NodeId& peer, MergeOutput output);
  void on_dial_failed(const PeerRecord& peer, Instant now, MergeOutput output);

  [[nodiscard]] Instant next_deadline() const;
  void tick(Instant now, MergeOutput output);

  /// From the proposal on: no further training.
  [[nodiscard]] bool running() const { return stage_ != Stage::idle && stage_ != Stage::done; }
  [[nodiscard]] bool done() const { return stage_ == Stage::done; }
  /// The merge was given up: too many members fell silent. propose() may be called again.
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  enum class Stage : std::uint8_t { idle, committing, reducing, adopting, attesting, done };
  struct Slice {
    std::map<NodeId, Bytes> parts;  ///< As its owner: what has come in.
    bool averaging = false;
    std::optional<MergeSliceDone> result;
    NodeId result_owner;
    Bytes data;   ///< The merged slice, once here and verified.
    Bytes early;  ///< Came before its owner's word on it; not verified yet.
  };

  void announce(const Announcement& content, Instant now, MergeOutput output);
  /// This process cuts the roster. One that is told of a proposal from before its restart only
  /// joins.
  [[nodiscard]] bool leads() const { return proposed_ == merge_; }
  [[nodiscard]] bool is_early(const Announcement& content) const;
  [[nodiscard]] bool is_outvoted_by(const Announcement& content) const;
  void replay_early(Instant now, MergeOutput output);
  void take_proposal(const NodeId& author, const MergeProposal& proposal, Instant now,
                     MergeOutput output);
  void take_commitment(const NodeId& author, const MergeCommitment& commitment, Instant now,
                       MergeOutput output);
  void take_roster(const NodeId& author, const MergeRoster& roster, Instant now,
                   MergeOutput output);
  void take_slice_result(const NodeId& author, const MergeSliceDone& done, MergeOutput output);
  void take_attestation(const NodeId& author, const MergeAdopted& adopted, MergeOutput output);
  void commit(Instant now, MergeOutput output);
  void drop_what_does_not_fit(MergeRoster& roster) const;
  void cut_roster(Instant now, MergeOutput output);
  void begin_reduction(Instant now, MergeOutput output);
  void reach(const NodeId& member, Message message, MergeOutput output);
  void send_own_slice(std::uint32_t slice, MergeOutput output);
  void give_own_slices(MergeOutput output);
  void average_if_complete(std::uint32_t slice, bool overdue, MergeOutput output);
  void store_merged(std::uint32_t slice, Bytes data);
  void adopt_if_complete(MergeOutput output);
  void request_missing(MergeOutput output);
  void bury(const NodeId& member, MergeOutput output);
  [[nodiscard]] Instant stage_deadline() const;
  void redial_due(Instant now, MergeOutput output);
  void give_up(Instant now, MergeOutput output);
  void complete_if_attested(bool overdue, MergeOutput output);
  [[nodiscard]] Manifest manifest() const;
  [[nodiscard]] bool is_observer() const;
  [[nodiscard]] bool all_agree_already() const;
  [[nodiscard]] std::vector<NodeId> ranking(std::uint32_t slice) const;
  [[nodiscard]] NodeId owner_of(std::uint32_t slice) const;
  [[nodiscard]] Bulk bulk(BulkKind kind, std::uint32_t slice, Bytes data) const;

  Options options_;
  SlicePlan plan_;
  Stage stage_ = Stage::idle;
  Digest merge_;
  NodeId proposer_;
  std::optional<Digest> proposed_;  ///< The last one that this process proposed.
  Step cut_off_ = 0;
  Instant deadline_ = Instant::never();
  std::set<NodeId> expected_;
  std::map<NodeId, MergeCommitment> commitments_;  ///< Collected; after the roster: the members.
  Bytes own_vector_;
  Digest own_digest_;
  Step own_step_ = 0;
  std::vector<std::pair<NodeId, Announcement>> early_;  ///< To be heard again at the next stage.
  std::vector<Slice> slices_;
  std::set<NodeId> linked_;  ///< Of all nodes, members or not.
  struct Redial {
    int failures = 0;
    Instant at = Instant::never();
  };
  std::set<NodeId> dialling_;
  std::map<NodeId, Redial> redials_;
  std::set<NodeId> dead_;
  int overdue_rounds_ = 0;
  std::map<NodeId, Digest> attestations_;
  Digest model_;
  bool failed_ = false;
};

}  // namespace starling::protocol
