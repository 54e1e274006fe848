#pragma once
// One member's view of a merge's links: the roster's graph, this node's own links, and who has
// fallen out of it. Nothing is dialled for a merge: the overlay's links connect everybody, whatever
// NAT or firewall they found a way through, and a member says it when one of its own is lost.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "protocol/merge/member_set.h"
#include "protocol/merge/merge_output.h"
#include "protocol/merge/merge_tree.h"
#include "protocol/merge/roster.h"
#include "starling/instant.h"

namespace starling::protocol {

class MergeOverlay {
 public:
  struct Options {
    Digest merge;
    NodeId self;
    /// A link that is back within this time was never lost.
    Duration settle_time = std::chrono::milliseconds(300);
    /// A member without a path for so long is not waited for any more.
    Duration loss_time = std::chrono::seconds(2);
  };
  /// linked: all nodes that this one is linked with, members or not.
  MergeOverlay(Options options, Roster roster, std::set<NodeId> linked, Instant now);

  /// This node is a member and has nothing to give: the others are told not to wait for it.
  void observe(Instant now);
  [[nodiscard]] bool observes() const { return observes_; }
  void on_link_up(const NodeId& peer, Instant now);
  void on_link_down(const NodeId& peer, Instant now);
  /// Returns true if trees, or who is waited for, may have changed.
  bool hear(const NodeId& author, const MergeLinks& word, Instant now);
  bool tick(Instant now, MergeOutput output);
  [[nodiscard]] Instant next_deadline() const;

  [[nodiscard]] const Digest& merge() const { return options_.merge; }
  [[nodiscard]] const Roster& roster() const { return roster_; }
  [[nodiscard]] std::size_t size() const { return roster_.members.size(); }
  /// Nothing if this node is no member.
  [[nodiscard]] std::optional<Member> self() const { return self_; }
  [[nodiscard]] const NodeId& id(Member member) const { return roster_.members[member].id; }
  [[nodiscard]] bool is_linked(Member member) const { return linked_.contains(id(member)); }
  [[nodiscard]] const std::set<NodeId>& linked() const { return linked_; }

  /// Once lost, a member is neither waited for nor a root again; what it still sends is taken. So
  /// it is with members that have nothing to give (weight 0).
  [[nodiscard]] bool is_lost(Member member) const { return lost_.contains(member); }
  [[nodiscard]] const MergeTree& tree(Member root) const;
  [[nodiscard]] std::vector<Member> children(Member root) const;
  /// Where this node sends what goes to `root`; no_member at the root, or without a path.
  [[nodiscard]] Member parent(Member root) const;

  /// The members in the order in which they come to be the root of `slice`.
  [[nodiscard]] const std::vector<Member>& order(std::uint32_t slice) const;
  /// The first in order that is not lost.
  [[nodiscard]] Member root(std::uint32_t slice) const;

 private:
  [[nodiscard]] MergeLinks own_word() const;
  [[nodiscard]] bool must_speak() const;
  void note_links(Instant now);
  void note_paths(Instant now);
  void speak(Instant now, MergeOutput output);

  Options options_;
  Roster roster_;
  MemberGraph graph_;
  std::optional<Member> self_;
  std::set<NodeId> linked_;
  MemberSet lost_;
  std::map<Member, Instant> without_path_;  ///< When they are lost.
  Instant speak_at_ = Instant::never();
  bool observes_ = false;
  MergeLinks last_word_;
  mutable std::map<Member, MergeTree> trees_;  ///< Of the present graph.
  mutable std::map<std::uint32_t, std::vector<Member>> orders_;
};

}  // namespace starling::protocol
