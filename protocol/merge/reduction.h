#pragma once
// Adds up the vectors of a roster's members, slice by slice, over the trees of a MergeOverlay. It
// knows the roster and the links, and nothing of what the sum is for; the learner has the vector,
// and cuts this member's own parts from it as they are asked for.
//
// Each slice has a root. A member waits for the parts of its children in the root's tree, adds its
// own, and sends the sum to its parent; what comes later goes up as it is. A part that is sent a
// second time, because the way up has changed, is never added to others below the root, so that any
// two parts are apart from each other or one is in the other, and nothing is counted twice.
//
// Another root (the first was lost) is another reduction of the same slice, from the beginning.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "protocol/merge/merge_output.h"
#include "protocol/merge/merge_overlay.h"
#include "protocol/merge/merge_part.h"
#include "protocol/merge/slice_plan.h"
#include "protocol/shared_bytes.h"
#include "starling/instant.h"

namespace starling::protocol {

class Reduction {
 public:
  struct Options {
    /// Without any part for so long, times a member's height in the tree, its children are waited
    /// for no longer.
    Duration part_time = std::chrono::seconds(10);
  };
  /// overlay outlives this.
  Reduction(Options options, SlicePlan plan, const MergeOverlay& overlay, Instant now);

  /// has_own: this member has a vector of its own; else it passes on what others have.
  void start(bool has_own, Instant now, MergeOutput output);
  void on_part(std::uint32_t slice, const SharedBytes& data, Instant now, MergeOutput output);
  void on_summed(std::uint32_t slice, Member root, SharedBytes sum, MergeOutput output);
  void on_own_part(std::uint32_t slice, Member root, SharedBytes blocks, MergeOutput output);
  /// As the slice's root: the mean is made. Returns whose parts are in it; nothing if it came too
  /// late.
  [[nodiscard]] std::optional<MemberSet> take_contributors(std::uint32_t slice);
  /// A root lacks this member's part.
  void on_recall(const NodeId& root, const MergeRecall& recall, MergeOutput output);
  /// The merged slice is here: what was kept for it is let go.
  void finish(std::uint32_t slice, Instant now, MergeOutput output);

  /// Links or trees have changed.
  void follow(MergeOutput output);
  void on_link_down(const NodeId& peer);
  [[nodiscard]] Instant next_deadline() const;
  void tick(Instant now, MergeOutput output);

 private:
  struct Part {
    MemberSet members;
    bool is_fresh = true;
    SharedBytes blocks;
  };
  /// One slice on its way to one root.
  struct Work {
    std::vector<Part> held;   ///< Not passed on yet; at the root: all.
    std::vector<Part> units;  ///< To be passed on, or passed on, as they are.
    MemberSet adding;         ///< With the learner.
    bool is_adding = false;
    bool is_own_in = false;  ///< Our own part is among what was passed on.
    std::size_t sent = 0;    ///< Units that `sent_to` has been sent.
    Member sent_to = no_member;
    bool was_recalled = false;
  };
  struct Slice {
    std::map<Member, Work> works;  ///< By root.
    bool has_begun = false;
    bool is_done = false;
  };

  void begin_due(MergeOutput output);
  [[nodiscard]] bool add(Work& work, MergePart&& part) const;
  [[nodiscard]] MemberSet covered(const Work& work) const;
  [[nodiscard]] Work* work_of(std::uint32_t slice, Member root);
  [[nodiscard]] bool is_complete(const Work& work, Member root) const;
  void advance(std::uint32_t slice, bool overdue, MergeOutput output);
  void sum_below(std::uint32_t slice, Member root, Work& work, MergeOutput output);
  void average(std::uint32_t slice, Work& work, MergeOutput output);
  void pass_on(std::uint32_t slice, Member root, Work& work, MergeOutput output);
  [[nodiscard]] std::vector<SlicePart> take_parts(Work& work, bool all) const;
  [[nodiscard]] std::uint64_t own_weight() const;
  [[nodiscard]] Duration patience(std::uint32_t slice) const;
  void recall(const std::vector<std::uint32_t>& slices, MergeOutput output);
  [[nodiscard]] Member self() const { return *overlay_.self(); }

  Options options_;
  SlicePlan plan_;
  const MergeOverlay& overlay_;
  std::vector<Slice> slices_;
  bool has_started_ = false;
  bool has_own_ = false;
  std::uint32_t next_ = 0;       ///< The first slice that has not begun.
  std::size_t bytes_begun_ = 0;  ///< Of slices that are under way.
  std::uint32_t first_undone_ = 0;
  Instant progress_at_;
};

}  // namespace starling::protocol
