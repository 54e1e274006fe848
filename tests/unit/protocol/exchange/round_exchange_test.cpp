// Synchronous rounds between machines on a small graph, messages carried by the test.

#include "protocol/exchange/round_exchange.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <set>

#include "starling/rng.h"
#include "tests/support/effects_view.h"
#include "tests/support/instants.h"
#include "tests/support/virtual_network.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::at;
using testing::count_of;
using testing::test_id;

/// One node: a number instead of a model, mixed by x += sum of w (theirs - own).
struct Node {
  Node(std::size_t number, double start)
      : value(start),
        id(test_id(number)),
        edges(100 + number),
        rounds({.self = id, .recipe = {}}, edges) {}

  [[nodiscard]] std::uint64_t first_free() const { return rounds.round() + 1; }

  void receive(const NodeId& peer, Message message) {
    if (const auto* hello = std::get_if<EdgeHello>(&message)) {
      static_cast<void>(edges.on_hello(peer, *hello, outbox));
      rounds.on_edge_open(peer, first_free(), outbox);
    } else if (const auto* open = std::get_if<RoundOpen>(&message)) {
      rounds.on_round_open(peer, *open, first_free(), outbox);
    } else if (const auto* applied = std::get_if<ExchangeApplied>(&message)) {
      edges.confirmed(peer, applied->exchange);
    } else if (auto* bulk = std::get_if<Bulk>(&message)) {
      rounds.on_payload(peer, std::move(*bulk), outbox);
    }
    mix();
  }
  void encode() {
    rounds.on_encoded({static_cast<std::uint8_t>(value)}, 0, at(0s), outbox);
    mix();
  }
  void mix() {
    for (const RoundMix& mixed : rounds.take_mixes(outbox)) {
      for (const RoundMixPeer& peer : mixed.peers) {
        value += static_cast<double>(peer.weight) * (peer.payload[0] - mixed.own[0]);
        included.insert({mixed.round, peer.peer});
        last_weight[peer.peer] = peer.weight;
      }
    }
  }

  double value;
  NodeId id;
  EdgeBook edges;
  RoundExchange rounds;
  Effects outbox;
  std::set<std::pair<std::uint64_t, NodeId>> included;  ///< (round, peer) that was mixed.
  std::map<NodeId, float> last_weight;
};

class Graph {
 public:
  explicit Graph(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      nodes_.push_back(std::make_unique<Node>(i, static_cast<double>(16 * (i + 1))));
    }
  }
  [[nodiscard]] Node& operator[](std::size_t number) { return *nodes_[number]; }

  void link(std::size_t i, std::size_t j) {
    links_.insert({i, j});
    links_.insert({j, i});
    (*this)[i].edges.greet((*this)[j].id, 0, (*this)[i].outbox);
    (*this)[j].edges.greet((*this)[i].id, 0, (*this)[j].outbox);
  }
  void cut(std::size_t i, std::size_t j) {
    collect();
    std::erase_if(wire_, [&](const Item& item) {
      return (item.from == i && item.to == j) || (item.from == j && item.to == i);
    });
    links_.erase({i, j});
    links_.erase({j, i});
    for (const auto& [node, peer] : {std::pair{i, j}, std::pair{j, i}}) {
      (*this)[node].edges.close((*this)[peer].id);
      (*this)[node].rounds.on_link_down((*this)[peer].id);
      (*this)[node].mix();
    }
  }
  void settle() {
    for (collect(); !wire_.empty(); collect()) deliver();
  }
  /// One message from the head of the wire.
  bool deliver() {
    collect();
    if (wire_.empty()) return false;
    Item item = std::move(wire_.front());
    wire_.pop_front();
    (*this)[item.to].receive((*this)[item.from].id, std::move(item.message));
    return true;
  }
  void run_round() {
    for (const auto& node : nodes_) {
      if (!node->rounds.running()) node->encode();
    }
    settle();
  }
  [[nodiscard]] double sum() const {
    double total = 0;
    for (const auto& node : nodes_) total += node->value;
    return total;
  }
  [[nodiscard]] std::size_t unreconciled() const {
    std::size_t total = 0;
    for (const auto& node : nodes_) total += node->edges.unreconciled();
    return total;
  }
  /// Both ends of the edge have mixed over it in exactly the same rounds.
  void expect_same_rounds(std::size_t i, std::size_t j) {
    std::set<std::uint64_t> at_i, at_j;
    for (const auto& [round, peer] : (*this)[i].included) {
      if (peer == (*this)[j].id) at_i.insert(round);
    }
    for (const auto& [round, peer] : (*this)[j].included) {
      if (peer == (*this)[i].id) at_j.insert(round);
    }
    EXPECT_EQ(at_i, at_j);
  }

 private:
  struct Item {
    std::size_t from = 0, to = 0;
    Message message;
  };
  void collect() {
    for (std::size_t from = 0; from < nodes_.size(); ++from) {
      for (Effect& effect : std::exchange((*this)[from].outbox.items, {})) {
        auto* send = std::get_if<SendTo>(&effect);
        if (send == nullptr) continue;
        for (std::size_t to = 0; to < nodes_.size(); ++to) {
          if ((*this)[to].id == send->peer && links_.contains({from, to})) {
            wire_.push_back({from, to, std::move(send->message)});
          }
        }
      }
    }
  }
  std::vector<std::unique_ptr<Node>> nodes_;
  std::set<std::pair<std::size_t, std::size_t>> links_;
  std::deque<Item> wire_;
};

TEST(RoundExchange, ANodeWithoutNeighboursFinishesItsRoundAlone) {
  Graph graph(1);
  graph.run_round();
  EXPECT_FALSE(graph[0].rounds.running());
  EXPECT_EQ(graph[0].rounds.round(), 1U);
}

TEST(RoundExchange, BothEndsIncludeANewEdgeFromTheSameRound) {
  for (const std::size_t ahead : {0U, 1U}) {
    Graph graph(2);
    for (int i = 0; i < 3; ++i) graph[ahead].encode();  // one of them is three rounds ahead
    graph.link(0, 1);
    graph.settle();
    const auto starts = [&](std::size_t node, std::uint64_t round) {
      return graph[node].rounds.starting_at(round).size();
    };
    EXPECT_EQ(starts(0, 4), 1U);
    EXPECT_EQ(starts(1, 4), 1U);
    for (int i = 0; i < 6; ++i) graph.run_round();
    EXPECT_FALSE(graph[0].included.empty());
    graph.expect_same_rounds(0, 1);
    EXPECT_DOUBLE_EQ(graph.sum(), 48);
  }
}

TEST(RoundExchange, ANodeThatFellFarBehindGoesOnWhereItsNeighboursWait) {
  for (const std::size_t ahead : {0U, 1U}) {
    Graph graph(2);
    Node& behind = graph[1 - ahead];
    for (int i = 0; i < 100; ++i) graph[ahead].encode();
    graph.link(0, 1);
    EXPECT_FALSE(behind.rounds.skip_to_neighbours(20)) << "nothing is agreed yet";
    graph.settle();
    EXPECT_TRUE(behind.rounds.skip_to_neighbours(20));
    EXPECT_EQ(behind.rounds.round(), 100U);
    EXPECT_FALSE(graph[ahead].rounds.skip_to_neighbours(20));
    for (int i = 0; i < 3; ++i) graph.run_round();
    EXPECT_EQ(behind.included.size(), 3U);
    graph.expect_same_rounds(0, 1);
  }
}

TEST(RoundExchange, ANodeThatIsALittleBehindDoesItsRounds) {
  Graph graph(2);
  for (int i = 0; i < 20; ++i) graph[0].encode();
  graph.link(0, 1);
  graph.settle();
  EXPECT_FALSE(graph[1].rounds.skip_to_neighbours(20));
  EXPECT_EQ(graph[1].rounds.round(), 0U);
}

TEST(RoundExchange, ANodeThatAnEdgeNeedsSkipsNothing) {
  Graph graph(3);
  graph.link(0, 1);
  graph.settle();
  for (int i = 0; i < 3; ++i) graph.run_round();
  for (int i = 0; i < 100; ++i) {
    if (!graph[2].rounds.running()) graph[2].encode();
  }
  graph.link(0, 2);
  graph.settle();
  EXPECT_FALSE(graph[0].rounds.skip_to_neighbours(20)) << "node 1 waits for its next round";
}

TEST(RoundExchange, WeightsAreMetropolisAndEqualAtBothEnds) {
  Graph graph(4);  // a star: node 0 has three neighbours, the others one
  for (std::size_t leaf = 1; leaf < 4; ++leaf) graph.link(0, leaf);
  graph.settle();
  graph.run_round();
  for (std::size_t leaf = 1; leaf < 4; ++leaf) {
    EXPECT_FLOAT_EQ(graph[0].last_weight.at(graph[leaf].id), 0.25F);
    EXPECT_FLOAT_EQ(graph[leaf].last_weight.at(graph[0].id), 0.25F);
  }
  EXPECT_DOUBLE_EQ(graph.sum(), 16 + 32 + 48 + 64);
}

TEST(RoundExchange, ANodeWaitsForEveryNeighbourOfItsRound) {
  Graph graph(3);
  graph.link(0, 1);
  graph.link(0, 2);
  graph.settle();
  graph[0].encode();
  graph[1].encode();
  graph.settle();
  EXPECT_TRUE(graph[0].rounds.running());
  EXPECT_FALSE(graph[1].rounds.running());
  graph[2].encode();
  graph.settle();
  EXPECT_FALSE(graph[0].rounds.running());
}

TEST(RoundExchange, ARoundGoesOnWithoutANeighbourThatIsGone) {
  Graph graph(2);
  graph.link(0, 1);
  graph.settle();
  graph[0].encode();
  graph.cut(0, 1);
  EXPECT_FALSE(graph[0].rounds.running());
  EXPECT_EQ(graph[0].value, 16);
}

TEST(RoundExchange, ARoundAppliedAtOneEndIsCompletedLateOnce) {
  Graph graph(2);
  graph.link(0, 1);
  graph.settle();
  graph[0].encode();
  graph.settle();
  graph[1].encode();  // has both payloads, mixes; its own is lost with the link
  graph.cut(0, 1);
  EXPECT_EQ(graph[0].value, 16);
  EXPECT_EQ(graph[1].value, 24);
  for (int i = 0; i < 3; ++i) graph.run_round();  // apart
  graph.link(0, 1);
  graph.settle();
  EXPECT_EQ(graph[0].value, 24);
  EXPECT_EQ(graph[1].value, 24);
  EXPECT_EQ(graph.unreconciled(), 0U);
  graph.cut(0, 1);
  graph.link(0, 1);
  graph.settle();
  EXPECT_EQ(graph[0].value, 24) << "completed twice";
}

TEST(RoundExchange, ABreakWhileOneEndIsARoundAheadLosesNothing) {
  Graph graph(3);
  graph.link(0, 1);
  graph.link(1, 2);
  graph.settle();
  graph[0].encode();
  graph[1].encode();
  graph.settle();     // 1 waits for 2; 0 has finished the round with 1
  graph[0].encode();  // and has begun the next
  graph.settle();
  graph.cut(0, 1);
  graph[2].encode();
  graph.settle();  // 1 finishes the round without 0
  EXPECT_NE(graph.sum(), 96);
  graph.link(0, 1);
  graph.settle();
  EXPECT_DOUBLE_EQ(graph.sum(), 96);
  EXPECT_EQ(graph.unreconciled(), 0U);
}

TEST(RoundExchange, TheSumIsConservedUnderRandomBreaks) {
  Graph graph(4);
  const std::vector<std::pair<std::size_t, std::size_t>> ring = {{0, 1}, {1, 2}, {2, 3}, {3, 0}};
  std::set<std::size_t> up;
  Rng rng(11);
  for (int step = 0; step < 2000; ++step) {
    const std::size_t edge = rng.below(ring.size());
    const auto [i, j] = ring[edge];
    if (rng.below(20) == 0 && up.erase(edge) > 0) {
      graph.cut(i, j);
    } else if (rng.below(10) == 0 && up.insert(edge).second) {
      graph.link(i, j);
    } else if (rng.below(3) == 0) {
      Node& node = graph[rng.below(4)];
      if (!node.rounds.running()) node.encode();
    } else {
      graph.deliver();
    }
  }
  for (std::size_t edge = 0; edge < ring.size(); ++edge) {
    if (up.insert(edge).second) graph.link(ring[edge].first, ring[edge].second);
  }
  graph.settle();
  for (int i = 0; i < 100; ++i) graph.run_round();
  for (const auto& [i, j] : ring) graph.expect_same_rounds(i, j);
  EXPECT_NEAR(graph.sum(), 160, 1e-3);
  EXPECT_EQ(graph.unreconciled(), 0U);
  EXPECT_GT(graph[0].rounds.round(), 50U);
}

TEST(RoundExchange, ASilentNeighbourIsHungUpOnAfterTheRoundsTime) {
  Graph graph(2);
  graph.link(0, 1);
  graph.settle();
  graph[0].encode();
  EXPECT_EQ(graph[0].rounds.next_deadline(), at(60s));
  Effects effects;
  graph[0].rounds.tick(at(60s), effects);
  EXPECT_EQ(count_of<HangUp>(effects), 1U);
  EXPECT_EQ(graph[0].rounds.next_deadline(), at(120s));
}

TEST(RoundExchange, ANeighbourWhosePayloadKeepsComingIsWaitedForAndASilentOneIsNot) {
  Graph graph(3);
  graph.link(0, 1);
  graph.link(0, 2);
  graph.settle();
  graph[0].encode();
  RoundExchange& rounds = graph[0].rounds;
  rounds.on_progress(graph[1].id, 1, at(50s));
  EXPECT_EQ(rounds.next_deadline(), at(60s));
  Effects effects;
  rounds.tick(at(60s), effects);
  ASSERT_EQ(count_of<HangUp>(effects), 1U);
  EXPECT_EQ(std::get<HangUp>(effects.items[0]).peer, graph[2].id);
  EXPECT_EQ(rounds.next_deadline(), at(110s));
}

TEST(RoundExchange, WhereStepsAreSlowANeighbourMayTakeLongerToo) {
  Graph graph(2);
  graph.link(0, 1);
  graph.settle();
  graph[0].rounds.set_compute_time(6s);
  graph[0].encode();
  EXPECT_EQ(graph[0].rounds.next_deadline(), at(60s + 10 * 6s));
}

TEST(RoundExchange, APayloadForManyNeighboursIsInMemoryOnce) {
  Graph graph(4);
  for (std::size_t peer = 1; peer < 4; ++peer) graph.link(0, peer);
  graph.settle();
  graph[0].encode();
  std::set<const std::uint8_t*> places;
  for (const Effect& effect : graph[0].outbox.items) {
    const auto* send = std::get_if<SendTo>(&effect);
    const auto* bulk = send != nullptr ? std::get_if<Bulk>(&send->message) : nullptr;
    if (bulk != nullptr) places.insert(bulk->data.data());
  }
  for (std::size_t peer = 1; peer < 4; ++peer) {
    places.insert(graph[0].edges.find(graph[peer].id)->retained.at(1).data.data());
  }
  EXPECT_EQ(places.size(), 1U);
}

TEST(RoundExchange, APayloadFarAheadOrOfAnotherRecipeIsRefused) {
  Graph graph(2);
  graph.link(0, 1);
  graph.settle();
  Bulk far{.kind = BulkKind::round_payload,
           .number = 9,
           .step = 0,
           .degree = 1,
           .context = {},
           .data = {1}};
  Effects effects;
  EXPECT_FALSE(graph[0].rounds.on_payload(graph[1].id, Bulk(far), effects));
  far.number = 1;
  far.context = *Digest::from_bytes(Bytes(32, 9));
  EXPECT_FALSE(graph[0].rounds.on_payload(graph[1].id, Bulk(far), effects));
}

TEST(RoundExchange, OnlyTheLowerIdProposesARound) {
  Graph graph(2);
  const std::size_t higher = graph[0].id < graph[1].id ? 1 : 0;
  graph.link(0, 1);
  graph.deliver();
  graph.deliver();
  Node& node = graph[higher];
  const NodeId lower = graph[1 - higher].id;
  node.rounds.on_round_open(lower, {.round = 5, .final = false}, 1, node.outbox);
  node.rounds.on_round_open(lower, {.round = 9, .final = false}, 1, node.outbox);
  EXPECT_EQ(node.rounds.starting_at(5).size(), 1U) << "a second proposal moves the edge";
}

}  // namespace
}  // namespace starling::protocol
