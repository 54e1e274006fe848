#include "protocol/merge/merge_tree.h"

#include <gtest/gtest.h>

#include <utility>

#include "starling/rng.h"

namespace starling::protocol {
namespace {

using Edges = std::vector<std::pair<Member, Member>>;

Roster roster_with(std::size_t members, const Edges& edges) {
  Roster roster;
  roster.members.resize(members);
  for (const auto& [a, b] : edges) roster.members[a].edges.push_back(b);
  for (RosterMember& member : roster.members) std::ranges::sort(member.edges);
  return roster;
}

MemberGraph everyone_linked(std::size_t members) {
  Edges edges;
  for (Member b = 0; b < members; ++b) {
    for (Member a = 0; a < b; ++a) edges.emplace_back(a, b);
  }
  return MemberGraph(roster_with(members, edges));
}

/// Like the overlay: a ring and chords.
MemberGraph overlay_like(std::size_t members, std::uint64_t seed) {
  Rng rng(seed);
  std::set<std::pair<Member, Member>> edges;
  for (Member i = 0; i < members; ++i) {
    for (const std::size_t other : {(i + 1U) % members, rng.below(members), rng.below(members)}) {
      const auto pair = std::minmax({i, static_cast<Member>(other)});
      if (pair.first != pair.second) edges.insert(pair);
    }
  }
  return MemberGraph(roster_with(members, {edges.begin(), edges.end()}));
}

TEST(MergeTree, IsAStarWhereEveryoneIsLinked) {
  const MemberGraph graph = everyone_linked(9);
  for (Member root = 0; root < 9; ++root) {
    const MergeTree tree = breadth_first_tree(graph, root);
    EXPECT_EQ(children_of(tree, graph, root).size(), 8U);
    EXPECT_EQ(tree.height[root], 1U);
  }
}

TEST(MergeTree, ReachesEachMemberByAShortestPath) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const MemberGraph graph = overlay_like(60, seed);
    const MergeTree tree = breadth_first_tree(graph, 7);
    for (Member member = 0; member < 60; ++member) {
      ASSERT_TRUE(tree.reaches(member));
      if (member == 7) continue;
      EXPECT_TRUE(graph.has_edge(member, tree.parent[member]));
      EXPECT_EQ(tree.depth[member], tree.depth[tree.parent[member]] + 1);
      EXPECT_LT(tree.height[member], tree.height[tree.parent[member]]);
      for (const Member other : graph.linked_with(member)) {
        EXPECT_LE(tree.depth[member], tree.depth[other] + 1) << "no link leads nearer";
      }
    }
  }
}

TEST(MergeTree, SpreadsChildrenOverTheParentsThereAre) {
  // 0 is linked with 1 and 2, and both with 3 to 8.
  Edges edges = {{0, 1}, {0, 2}};
  for (Member child = 3; child <= 8; ++child) {
    edges.emplace_back(1, child);
    edges.emplace_back(2, child);
  }
  const MemberGraph graph(roster_with(9, edges));
  const MergeTree tree = breadth_first_tree(graph, 0);
  EXPECT_EQ(children_of(tree, graph, 1).size(), 3U);
  EXPECT_EQ(children_of(tree, graph, 2).size(), 3U);
}

TEST(MergeTree, LeavesOutWhoHasNoPath) {
  const MemberGraph graph(roster_with(4, {{0, 1}, {2, 3}}));
  const MergeTree tree = breadth_first_tree(graph, 0);
  EXPECT_TRUE(tree.reaches(0));
  EXPECT_TRUE(tree.reaches(1));
  EXPECT_FALSE(tree.reaches(2));
  EXPECT_FALSE(tree.reaches(3));
}

TEST(MemberGraph, LosesAnEdgeThatEitherEndDenies) {
  MemberGraph graph(roster_with(3, {{0, 1}, {1, 2}}));
  EXPECT_TRUE(graph.correct(1, 1, {}, std::vector<Member>{0}));
  EXPECT_FALSE(graph.has_edge(0, 1));
  EXPECT_FALSE(graph.has_edge(1, 0));
  EXPECT_TRUE(graph.has_edge(1, 2));
  EXPECT_TRUE(graph.had_edge(0, 1));
}

TEST(MemberGraph, GainsAnEdgeThatOneEndNames) {
  MemberGraph graph(roster_with(3, {{0, 1}}));
  EXPECT_TRUE(graph.correct(2, 1, std::vector<Member>{0}, {}));
  EXPECT_TRUE(graph.has_edge(0, 2));
  EXPECT_FALSE(graph.had_edge(0, 2));
}

TEST(MemberGraph, GoesByTheLatestWordOfEach) {
  MemberGraph graph(roster_with(2, {{0, 1}}));
  EXPECT_TRUE(graph.correct(1, 2, {}, std::vector<Member>{0}));
  EXPECT_FALSE(graph.correct(1, 1, {}, {})) << "an older word that came later";
  EXPECT_FALSE(graph.has_edge(0, 1));
  EXPECT_TRUE(graph.correct(1, 3, {}, {})) << "the link is back";
  EXPECT_TRUE(graph.has_edge(0, 1));
}

TEST(MemberGraph, IgnoresAWordAboutNobody) {
  MemberGraph graph(roster_with(2, {{0, 1}}));
  EXPECT_FALSE(graph.correct(0, 1, std::vector<Member>{2}, {}));
  EXPECT_FALSE(graph.correct(0, 1, {}, std::vector<Member>{0})) << "itself";
  EXPECT_TRUE(graph.has_edge(0, 1));
}

}  // namespace
}  // namespace starling::protocol
