#pragma once
// A merge from its roster on: reduction, adoption, and the attestation that ends it. Proposal and
// commitments were before (merge.h).

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "protocol/merge/attestation.h"
#include "protocol/merge/merge_output.h"
#include "protocol/merge/merge_overlay.h"
#include "protocol/merge/merged_slices.h"
#include "protocol/merge/reduction.h"
#include "protocol/merge/roster.h"
#include "protocol/merge/slice_plan.h"
#include "protocol/wire/announcement.h"
#include "protocol/wire/message.h"
#include "starling/event.h"
#include "starling/instant.h"

namespace starling::protocol {

class MergeRun {
 public:
  struct Options {
    NodeId self;
    RunId run;
    NodeId proposer;
    MergeProposal proposal;
    std::size_t values = 0;  ///< Of the vector.
    double quorum = 0.5;
    std::uint32_t nodes_seen = 0;  ///< By this node.
    double interval_scale = 1;
    Duration idle_time = std::chrono::seconds(60);  ///< Without any progress it fails; scaled.
  };
  /// What this process committed to; without a digest: nothing, or it has nothing to give.
  struct Own {
    std::optional<Digest> digest;
    bool is_committed = false;
  };
  /// linked: all nodes that this one is linked with.
  MergeRun(Options options, Roster roster, Own own, const std::set<NodeId>& linked, Instant now);
  /// Call once, before anything else.
  void start(Instant now, MergeOutput output);

  void hear(const NodeId& author, const MergeResults& results, Instant now, MergeOutput output);
  void hear(const NodeId& author, const MergeClosed& closed, Instant now, MergeOutput output);
  void hear(const NodeId& author, const MergeLinks& links, Instant now, MergeOutput output);
  void hear(const NodeId& author, const MergeRecall& recall, Instant now, MergeOutput output);
  void on_part(std::uint32_t slice, const SharedBytes& data, Instant now, MergeOutput output);
  void on_merged_slice(std::uint32_t slice, SharedBytes data, Instant now, MergeOutput output);
  void on_request(const NodeId& peer, const MergeSliceRequest& request, MergeOutput output);
  void on_attested(const MergeAttested& attested, Instant now);

  void on_summed(std::uint32_t slice, Member root, SharedBytes sum, MergeOutput output);
  void on_own_part(std::uint32_t slice, Member root, SharedBytes blocks, MergeOutput output);
  void on_averaged(std::uint32_t slice, SharedBytes data, const Digest& digest, Instant now,
                   MergeOutput output);
  void on_adopted(const Digest& model, Instant now, MergeOutput output);

  void on_link_up(const NodeId& peer, Instant now, MergeOutput output);
  void on_link_down(const NodeId& peer, Instant now, MergeOutput output);
  [[nodiscard]] Instant next_deadline() const;
  void tick(Instant now, MergeOutput output);

  [[nodiscard]] bool is_done() const { return stage_ == Stage::done; }
  /// Why it cannot be completed; it does nothing any more.
  [[nodiscard]] const std::optional<std::string>& failure() const { return failure_; }

 private:
  enum class Stage : std::uint8_t { reducing, adopting, attesting, done, failed };

  [[nodiscard]] Duration scaled(Duration duration) const;
  [[nodiscard]] bool is_observer() const;
  [[nodiscard]] bool all_agree_already() const;
  [[nodiscard]] std::uint32_t nodes_seen() const;
  [[nodiscard]] MemberSet contributors() const;
  [[nodiscard]] bool lacks_quorum() const;
  [[nodiscard]] Manifest manifest() const;
  void note_progress(Instant now);
  void follow(Instant now, MergeOutput output);
  void adopt_if_complete(MergeOutput output);
  void settle_closing(Instant now, MergeOutput output);
  void complete(MergeOutput output);
  void end_stage(Instant now, MergeOutput output);
  void fail(std::string reason);

  Options options_;
  SlicePlan plan_;
  Own own_;
  Stage stage_ = Stage::reducing;
  Instant deadline_;
  MergeOverlay overlay_;
  Reduction reduction_;
  MergedSlices slices_;
  Attestation attestation_;
  Digest model_;
  std::map<Digest, MergedSlices::Choice> choices_;  ///< Models held so far.
  std::map<NodeId, MergeClosed> closings_;          ///< By their author.
  std::optional<std::string> failure_;
};

}  // namespace starling::protocol
