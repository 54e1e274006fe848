#pragma once
// Over which links a merge's sums travel: the graph of the members' links, and in it a
// breadth-first tree from any root. All members compute the same trees from the same graph, so
// nobody assigns work; where everyone is linked with everyone a tree is a star, and the merge a
// reduce-scatter.

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "protocol/merge/member_set.h"
#include "protocol/merge/roster.h"

namespace starling::protocol {

/// The roster's edges, corrected by what members have said of their links since.
class MemberGraph {
 public:
  explicit MemberGraph(const Roster& roster);

  /// What `member` says of its own links, as a difference to the roster: an edge is there if either
  /// end names it and neither denies it. number: only a later word than the last counts.
  /// Returns true if the graph has changed.
  bool correct(Member member, std::uint64_t number, std::span<const Member> up,
               std::span<const Member> down);

  [[nodiscard]] std::size_t size() const { return links_.size(); }
  /// Ascending.
  [[nodiscard]] const std::vector<Member>& linked_with(Member member) const {
    return links_[member];
  }
  [[nodiscard]] bool has_edge(Member a, Member b) const;
  /// In the roster, whatever was said since.
  [[nodiscard]] bool had_edge(Member a, Member b) const;
  /// Ascending, as in the roster.
  [[nodiscard]] const std::vector<Member>& was_linked_with(Member member) const {
    return roster_links_[member];
  }

 private:
  struct Word {
    std::uint64_t number = 0;
    std::vector<Member> up;
    std::vector<Member> down;
  };
  [[nodiscard]] std::vector<std::vector<Member>> corrected() const;

  std::vector<std::vector<Member>> roster_links_;
  std::vector<std::vector<Member>> links_;
  std::map<Member, Word> words_;
};

/// By member. Those that no path reaches have parent no_member and depth 0, as the root has.
struct MergeTree {
  std::vector<Member> parent;
  std::vector<std::uint16_t> depth;   ///< Links to the root.
  std::vector<std::uint16_t> height;  ///< Links to the farthest member below.
  Member root = no_member;

  [[nodiscard]] bool reaches(Member member) const {
    return member == root || parent[member] != no_member;
  }
};

/// Of several possible parents a member gets the one with the fewest children, then the first.
[[nodiscard]] MergeTree breadth_first_tree(const MemberGraph& graph, Member root);

/// Ascending.
[[nodiscard]] std::vector<Member> children_of(const MergeTree& tree, const MemberGraph& graph,
                                              Member member);

}  // namespace starling::protocol
