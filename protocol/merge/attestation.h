#pragma once
// The end of a merge: who holds which model converges up the tree of one member, the closer, who
// says the closing word once everyone that can be reached holds the same. Nobody leaves before.

#include <map>
#include <optional>

#include "protocol/merge/merge_output.h"
#include "protocol/merge/merge_overlay.h"
#include "starling/instant.h"

namespace starling::protocol {

class Attestation {
 public:
  struct Options {
    NodeId proposer;  ///< The closer; if it is lost, the first member in an order of its own.
    /// Without a new word for so long the closer closes without the rest.
    Duration attest_time = std::chrono::seconds(15);
    /// Our guess: gathers the words of several children.
    Duration batch_time = std::chrono::milliseconds(200);
  };
  /// overlay outlives this.
  Attestation(Options options, const MergeOverlay& overlay);

  /// This node holds `model` now, in place of any before. Members only.
  void attest(const Digest& model, Instant now);
  void on_attested(const MergeAttested& attested, Instant now);
  /// Links or trees have changed: what has been sent may be lost.
  void follow(Instant now);

  [[nodiscard]] Member closer() const;
  /// As far as is known here.
  [[nodiscard]] MemberSet holders_of(const Digest& model) const;

  [[nodiscard]] Instant next_deadline() const { return std::min(send_at_, close_at_); }
  /// Sends on what is due. As the closer, once it is time: the closing word.
  [[nodiscard]] std::optional<MergeClosed> tick(Instant now, MergeOutput output);

 private:
  [[nodiscard]] bool is_complete(const MemberSet& holders) const;
  void note_change(bool is_news, Instant now);
  void send_up(MergeOutput output);

  Options options_;
  const MergeOverlay& overlay_;
  std::map<Digest, MemberSet> holders_;
  std::map<Digest, MemberSet> sent_;
  Member sent_to_ = no_member;
  std::optional<Digest> own_;
  Instant send_at_ = Instant::never();
  Instant close_at_ = Instant::never();
};

}  // namespace starling::protocol
