#include "protocol/merge/merge_tree.h"

#include <algorithm>
#include <utility>

namespace starling::protocol {
namespace {

bool has(const std::vector<Member>& ascending, Member member) {
  return std::ranges::binary_search(ascending, member);
}

void insert(std::vector<Member>& ascending, Member member) {
  const auto at = std::ranges::lower_bound(ascending, member);
  if (at == ascending.end() || *at != member) ascending.insert(at, member);
}

void erase(std::vector<Member>& ascending, Member member) {
  const auto at = std::ranges::lower_bound(ascending, member);
  if (at != ascending.end() && *at == member) ascending.erase(at);
}

}  // namespace

// --- The graph ---

MemberGraph::MemberGraph(const Roster& roster) : roster_links_(roster.members.size()) {
  for (Member place = 0; place < roster.members.size(); ++place) {
    for (const Member other : roster.members[place].edges) {
      roster_links_[place].push_back(other);
      roster_links_[other].push_back(place);
    }
  }
  for (std::vector<Member>& links : roster_links_) std::ranges::sort(links);
  links_ = roster_links_;
}

bool MemberGraph::correct(Member member, std::uint64_t number, std::span<const Member> up,
                          std::span<const Member> down) {
  const auto is_other = [&](Member other) { return other < size() && other != member; };
  if (!std::ranges::all_of(up, is_other) || !std::ranges::all_of(down, is_other)) return false;
  Word& word = words_[member];
  if (word.number >= number) return false;
  word = {number, {up.begin(), up.end()}, {down.begin(), down.end()}};
  auto now = corrected();
  if (now == links_) return false;
  links_ = std::move(now);
  return true;
}

std::vector<std::vector<Member>> MemberGraph::corrected() const {
  auto links = roster_links_;
  for (const auto& [member, word] : words_) {
    for (const Member other : word.up) {
      insert(links[member], other);
      insert(links[other], member);
    }
  }
  for (const auto& [member, word] : words_) {
    for (const Member other : word.down) {
      erase(links[member], other);
      erase(links[other], member);
    }
  }
  return links;
}

bool MemberGraph::has_edge(Member a, Member b) const {
  return has(links_[a], b);
}

bool MemberGraph::had_edge(Member a, Member b) const {
  return has(roster_links_[a], b);
}

// --- Trees ---

MergeTree breadth_first_tree(const MemberGraph& graph, Member root) {
  MergeTree tree{.parent = std::vector<Member>(graph.size(), no_member),
                 .depth = std::vector<std::uint16_t>(graph.size(), 0),
                 .height = std::vector<std::uint16_t>(graph.size(), 0),
                 .root = root};
  std::vector<std::uint16_t> children(graph.size(), 0);
  std::vector<std::vector<Member>> layers = {{root}};
  while (!layers.back().empty()) {
    const std::vector<Member>& layer = layers.back();
    std::vector<Member> next;
    for (const Member member : layer) {
      for (const Member other : graph.linked_with(member)) {
        if (!tree.reaches(other)) insert(next, other);
      }
    }
    const auto depth = static_cast<std::uint16_t>(layers.size());
    for (const Member member : next) {
      for (const Member candidate : graph.linked_with(member)) {
        const bool is_above = tree.reaches(candidate) && tree.depth[candidate] + 1 == depth;
        Member& parent = tree.parent[member];
        if (is_above && (parent == no_member || children[candidate] < children[parent])) {
          parent = candidate;
        }
      }
      ++children[tree.parent[member]];
      tree.depth[member] = depth;
    }
    layers.push_back(std::move(next));
  }
  for (std::size_t layer = layers.size(); layer-- > 1;) {
    for (const Member member : layers[layer]) {
      std::uint16_t& height = tree.height[tree.parent[member]];
      height = std::max<std::uint16_t>(height, static_cast<std::uint16_t>(tree.height[member] + 1));
    }
  }
  return tree;
}

std::vector<Member> children_of(const MergeTree& tree, const MemberGraph& graph, Member member) {
  std::vector<Member> children;
  for (const Member other : graph.linked_with(member)) {
    if (tree.parent[other] == member) children.push_back(other);
  }
  return children;
}

}  // namespace starling::protocol
