#pragma once
// When, and by whom, the final merge is proposed: once every present node has done its steps, and
// they are a quorum of the run, by the one with the lowest id; if that one stays silent, by the
// next after a while. Where nodes are missing, only after a while in which nobody came or went:
// when a partition heals, the others come back one after the other, and the first of them would
// make a quorum without the rest. Where somebody always comes or goes, that while has an end.

#include <algorithm>
#include <cstdint>
#include <optional>

#include "node/core/roll.h"
#include "starling/event.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::node {

struct MergePolicyOptions {
  NodeId self;
  Duration turn_time{0};        ///< How long each candidate waits for the one before it.
  Duration settle_time{0};      ///< So long nobody has come or gone, if any node seen is missing.
  Duration settle_time_max{0};  ///< After this it is proposed although some still come and go.
  double quorum = 0.5;          ///< More than this share of the nodes ever seen; in [0, 1).
  bool accepts_partial = false;
};

class MergePolicy {
 public:
  explicit MergePolicy(const MergePolicyOptions& options) : options_(options) {}

  /// True when this node is to propose now. Ask again whenever something has changed, and at
  /// next_deadline(). not_before: by then it has heard who is here. is_settled: its own model is
  /// what it will give; a node that has yet to fetch what others know waits, settle_time_max at
  /// most. Never moves an appointment forward.
  [[nodiscard]] bool is_due(const Roll& roll, Instant not_before, bool is_settled, Instant now);
  [[nodiscard]] Instant next_deadline() const { return std::max(propose_at_, unsettled_until_); }
  void reset() { propose_at_ = ready_since_ = Instant::never(); }
  /// A merge has failed: the next is proposed a turn later, or what broke this one breaks it too.
  void failed(Instant now) {
    reset();
    not_before_ = now + options_.turn_time;
  }

  /// So many nodes, this one included, are needed for a merge that is final.
  [[nodiscard]] std::uint64_t needed(const Roll& roll) const;
  [[nodiscard]] bool has_quorum(const Roll& roll) const;
  /// What the merge waits for, if it is the quorum alone and not known yet to the owner.
  [[nodiscard]] std::optional<QuorumMissing> take_missing(const Roll& roll, Instant not_before,
                                                          Instant now);
  /// Whoever runs this node wants the model even if it is partial.
  void accept_partial() { options_.accepts_partial = true; }
  [[nodiscard]] bool accepts_partial() const { return options_.accepts_partial; }

 private:
  MergePolicyOptions options_;
  Instant not_before_;
  Instant propose_at_ = Instant::never();
  Instant ready_since_ = Instant::never();  ///< All present are finished, and are enough.
  Instant unsettled_until_;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> told_;  ///< Present and seen.
};

}  // namespace starling::node
