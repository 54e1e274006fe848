#pragma once
// The merged slices at one node: the roots' words on them, and the data, which comes down the
// root's tree or, where it does not, from any neighbour that is asked. A slice is what its root's
// signed word says it is, whoever it came from.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "protocol/merge/merge_output.h"
#include "protocol/merge/merge_overlay.h"
#include "protocol/merge/slice_plan.h"
#include "protocol/shared_bytes.h"
#include "starling/instant.h"

namespace starling::protocol {

class MergedSlices {
 public:
  struct Options {
    Duration fetch_time = std::chrono::seconds(2);  ///< Without a slice: until another is asked.
    /// A root's words wait for others so long, and merge_batch_interval once it has none to wait
    /// for: each announcement costs every member a signature's verification (0.1 ms), and slices
    /// can wait in the window.
    Duration batch_time = std::chrono::milliseconds(100);
  };
  struct Result {
    Member root = no_member;
    MemberSet contributors;
    Digest digest;
    friend bool operator==(const Result&, const Result&) = default;
  };
  /// What a whole model was made of, by slice.
  using Choice = std::vector<Result>;

  /// overlay outlives this.
  MergedSlices(Options options, SlicePlan plan, const MergeOverlay& overlay, Instant now);

  /// As the slice's root. The word goes out with those on other slices.
  void publish(std::uint32_t slice, Result result, SharedBytes data, Instant now,
               MergeOutput output);
  /// Returns true if a slice has another result than before.
  bool hear(const NodeId& author, const MergeResults& results, Instant now, MergeOutput output);
  /// Returns true if the slice is here now, and was not before.
  bool on_slice(std::uint32_t slice, SharedBytes data, Instant now, MergeOutput output);
  void on_request(const NodeId& peer, const MergeSliceRequest& request, MergeOutput output);
  /// Goes back to an earlier choice; slices that differ are fetched again.
  void choose(const Choice& choice, Instant now);

  [[nodiscard]] bool has(std::uint32_t slice) const { return !slices_[slice].data.empty(); }
  [[nodiscard]] bool is_complete() const { return missing_ == 0; }
  /// is_complete() only: all slices, in order; and their digests.
  [[nodiscard]] std::vector<SharedBytes> slices() const;
  [[nodiscard]] std::vector<Digest> digests() const;
  [[nodiscard]] Choice choice() const;
  /// Members whose parts are in every slice.
  [[nodiscard]] MemberSet contributors() const;

  /// Links or trees have changed.
  void follow(Instant now);
  [[nodiscard]] Instant next_deadline() const;
  void tick(Instant now, MergeOutput output);

 private:
  struct Slice {
    std::optional<Result> result;
    SharedBytes data;         ///< The merged slice, verified; empty: not here.
    SharedBytes early;        ///< Came before its root's word.
    std::set<NodeId> askers;  ///< Get it when it is here.
  };
  struct Due {
    std::uint32_t slice = 0;
    Digest digest;
  };

  bool take(std::uint32_t slice, Result result);
  bool verify(std::uint32_t slice, SharedBytes data, MergeOutput output);
  void store(std::uint32_t slice, SharedBytes data, MergeOutput output);
  void ask(MergeOutput output);
  void ask_next(Instant now, MergeOutput output);
  void send(const NodeId& peer, std::uint32_t slice, MergeOutput output) const;
  void speak(MergeOutput output);
  [[nodiscard]] bool has_more_to_say();

  Options options_;
  SlicePlan plan_;
  const MergeOverlay& overlay_;
  std::vector<Slice> slices_;
  std::size_t missing_;
  std::map<MemberSet, std::vector<Due>> due_;  ///< Our words, by their contributors.
  Instant speak_at_ = Instant::never();
  std::uint32_t own_next_ = 0;  ///< No slice before it waits for a word of ours.
  Instant ask_at_;
  NodeId asked_;                     ///< The neighbour whose turn it is, or was last.
  std::set<std::uint32_t> awaited_;  ///< From it.
};

}  // namespace starling::protocol
