// What two or three machines say to each other when edges open, break and return.

#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <vector>

#include "protocol/exchange/pair_exchange.h"
#include "protocol/exchange/round_exchange.h"
#include "tests/transcripts/transcript.h"

namespace starling::testing {
namespace {

using namespace std::chrono_literals;
using namespace protocol;

constexpr Duration delay = 10ms;

/// Carries messages between the machines of a script, each `delay` late, and writes all down.
class Stage {
 public:
  /// receive: handles a message at a node and appends what it leads to.
  using Receive = std::function<void(std::size_t node, std::size_t from, Message&&, Effects&)>;

  Stage(std::string_view title, Receive receive)
      : transcript_(title), receive_(std::move(receive)) {}

  [[nodiscard]] Instant now() const { return now_; }
  void note(std::string_view what) { transcript_.output(what); }

  /// An input of the script at `node`.
  void act(std::size_t node, std::string_view what, const std::function<void(Effects&)>& call) {
    transcript_.input(now_, name_of(node) + ": " + std::string(what));
    Effects effects;
    call(effects);
    perform(node, std::move(effects));
  }
  void cut(std::size_t a, std::size_t b) {
    transcript_.input(now_, "the link " + name_of(a) + name_of(b) + " breaks");
    ++breaks_[{std::min(a, b), std::max(a, b)}];
  }
  void run_for(Duration time) {
    const Instant end = now_ + time;
    while (!queue_.empty() && queue_.front().at <= end) {
      Item item = std::move(queue_.front());
      queue_.pop();
      now_ = item.at;
      if (item.breaks != breaks_of(item.from, item.to)) continue;
      act(item.to, "from " + name_of(item.from) + ", " + line_of(item.message),
          [&](Effects& effects) {
            receive_(item.to, item.from, std::move(item.message), effects);
          });
    }
    now_ = end;
  }
  void expect_equals(const std::string& file) const { transcript_.expect_equals(file); }

 private:
  struct Item {
    Instant at;
    std::size_t from = 0, to = 0;
    int breaks = 0;
    Message message;
  };
  int breaks_of(std::size_t a, std::size_t b) { return breaks_[{std::min(a, b), std::max(a, b)}]; }
  void perform(std::size_t node, Effects effects) {
    for (Effect& effect : effects.items) {
      if (auto* send = std::get_if<SendTo>(&effect)) {
        const std::size_t to = starling::testing::number_of(send->peer);
        note("to " + name_of(to) + ", " + line_of(send->message));
        queue_.push({now_ + delay, node, to, breaks_of(node, to), std::move(send->message)});
      } else if (const auto* hang_up = std::get_if<HangUp>(&effect)) {
        note("hang up on " + name_of(hang_up->peer));
      }
    }
  }

  Transcript transcript_;
  Receive receive_;
  Instant now_;
  std::queue<Item> queue_;
  std::map<std::pair<std::size_t, std::size_t>, int> breaks_;
};

// --- Pairs ---

struct PairNode {
  explicit PairNode(std::size_t number)
      : edges(100 + number), exchange({.seed = number, .recipe = {}}, edges) {}
  EdgeBook edges;
  PairExchange exchange;
};

class PairStage {
 public:
  explicit PairStage(std::string_view title)
      : stage_(title,
               [this](std::size_t node, std::size_t from, Message&& message, Effects& effects) {
                 receive(node, from, std::move(message), effects);
               }) {
    for (std::size_t i = 0; i < 2; ++i) nodes_.push_back(std::make_unique<PairNode>(i));
  }
  void link() {
    for (const std::size_t node : {0U, 1U}) {
      stage_.act(node, "link to " + name_of(1 - node), [&](Effects& effects) {
        nodes_[node]->edges.greet(test_id(1 - node), 0, effects);
      });
    }
    stage_.run_for(100ms);
  }
  void cut() {
    stage_.cut(0, 1);
    for (const std::size_t node : {0U, 1U}) {
      nodes_[node]->edges.close(test_id(1 - node));
      nodes_[node]->exchange.on_link_down(test_id(1 - node));
    }
  }
  void restart(std::size_t node) {
    nodes_[node] = std::make_unique<PairNode>(node + 10);
    stage_.act(node, "process starts anew", [](Effects&) {});
  }
  void offer(std::size_t node) {
    stage_.act(node, "an exchange is due", [&](Effects& effects) {
      if (!nodes_[node]->exchange.offer(0, stage_.now(), effects)) stage_.note("nobody to ask");
    });
  }
  void encode(std::size_t node) {
    stage_.act(node, "payload is encoded", [&](Effects& effects) {
      report(nodes_[node]->exchange.on_encoded(Bytes(8), 0, stage_.now(), effects));
    });
  }
  void lose_patience(std::size_t node) {
    stage_.act(node, "its patience ends",
               [&](Effects& effects) { nodes_[node]->exchange.tick(stage_.now() + 2s, effects); });
  }
  void run_for(Duration time) { stage_.run_for(time); }
  void expect_equals(const std::string& file) const { stage_.expect_equals(file); }

 private:
  void report(const std::optional<PairMix>& mix) {
    if (mix) stage_.note("mix " + std::to_string(mix->number) + " with " + name_of(mix->peer));
  }
  void receive(std::size_t node, std::size_t from, Message&& message, Effects& effects) {
    PairNode& self = *nodes_[node];
    const NodeId peer = test_id(from);
    if (const auto* hello = std::get_if<EdgeHello>(&message)) {
      if (self.edges.on_hello(peer, *hello, effects)) stage_.note("history lost: drop the edge");
    } else if (const auto* offer = std::get_if<ExchangeOffer>(&message)) {
      if (self.exchange.on_offer(peer, *offer, true, 0, effects)) {
        stage_.note("encode");
      }
    } else if (const auto* accept = std::get_if<ExchangeAccept>(&message)) {
      if (self.exchange.on_accept(peer, *accept, effects)) stage_.note("encode");
    } else if (const auto* busy = std::get_if<ExchangeBusy>(&message)) {
      self.exchange.on_busy(peer, *busy);
    } else if (const auto* applied = std::get_if<ExchangeApplied>(&message)) {
      self.edges.confirmed(peer, applied->exchange);
    } else if (auto* bulk = std::get_if<Bulk>(&message)) {
      report(self.exchange.on_payload(peer, std::move(*bulk), effects));
    }
  }

  std::vector<std::unique_ptr<PairNode>> nodes_;
  Stage stage_;
};

TEST(Transcript, OfAnExchange) {
  PairStage stage("two nodes meet and exchange");
  stage.link();
  stage.offer(0);
  stage.run_for(50ms);
  stage.encode(0);
  stage.encode(1);
  stage.run_for(50ms);
  stage.expect_equals("pair_exchange");
}

TEST(Transcript, OfOffersThatCross) {
  PairStage stage("both offer at once");
  stage.link();
  stage.offer(0);
  stage.offer(1);
  stage.run_for(50ms);
  stage.encode(0);
  stage.encode(1);
  stage.run_for(50ms);
  stage.expect_equals("pair_crossing_offers");
}

TEST(Transcript, OfABrokenExchange) {
  PairStage stage("the link breaks after A has mixed; the exchange is completed on return");
  stage.link();
  stage.offer(0);
  stage.run_for(50ms);
  stage.encode(1);
  stage.run_for(50ms);
  stage.encode(0);
  stage.cut();
  stage.run_for(1s);
  stage.link();
  stage.cut();
  stage.link();
  stage.expect_equals("pair_broken_link");
}

TEST(Transcript, OfALateAnswerAndARestart) {
  PairStage stage("an offer is given up, its answer comes late; then B starts anew");
  stage.link();
  stage.offer(0);
  stage.run_for(5ms);
  stage.lose_patience(0);
  stage.run_for(2s);
  stage.cut();
  stage.restart(1);
  stage.link();
  stage.expect_equals("pair_late_answer");
}

// --- Rounds ---

struct RoundNode {
  explicit RoundNode(std::size_t number)
      : edges(100 + number), rounds({.self = test_id(number), .recipe = {}}, edges) {}
  EdgeBook edges;
  RoundExchange rounds;
};

class RoundStage {
 public:
  explicit RoundStage(std::string_view title)
      : stage_(title,
               [this](std::size_t node, std::size_t from, Message&& message, Effects& effects) {
                 receive(node, from, std::move(message), effects);
               }) {
    for (std::size_t i = 0; i < 3; ++i) nodes_.push_back(std::make_unique<RoundNode>(i));
  }
  void link(std::size_t a, std::size_t b) {
    for (const auto& [node, peer] : {std::pair{a, b}, std::pair{b, a}}) {
      stage_.act(node, "link to " + name_of(peer),
                 [&](Effects& effects) { nodes_[node]->edges.greet(test_id(peer), 0, effects); });
    }
    stage_.run_for(100ms);
  }
  void cut(std::size_t a, std::size_t b) {
    stage_.cut(a, b);
    for (const auto& [node, peer] : {std::pair{a, b}, std::pair{b, a}}) {
      nodes_[node]->edges.close(test_id(peer));
      nodes_[node]->rounds.on_link_down(test_id(peer));
      stage_.act(node, "goes on without " + name_of(peer),
                 [&](Effects& effects) { mix(node, effects); });
    }
  }
  void encode(std::size_t node) {
    stage_.act(node, "payload is encoded", [&](Effects& effects) {
      nodes_[node]->rounds.on_encoded(Bytes(8), 0, stage_.now(), effects);
      mix(node, effects);
    });
  }
  void run_for(Duration time) { stage_.run_for(time); }
  void expect_equals(const std::string& file) const { stage_.expect_equals(file); }

 private:
  void mix(std::size_t node, Effects& effects) {
    for (const RoundMix& mixed : nodes_[node]->rounds.take_mixes(effects)) {
      std::string line = "mix round " + std::to_string(mixed.round);
      for (const RoundMixPeer& peer : mixed.peers) {
        std::ostringstream weight;
        weight << std::setprecision(3) << peer.weight;
        line += ", " + name_of(peer.peer) + " with weight " + weight.str();
      }
      stage_.note(line);
    }
  }
  void receive(std::size_t node, std::size_t from, Message&& message, Effects& effects) {
    RoundNode& self = *nodes_[node];
    const NodeId peer = test_id(from);
    const std::uint64_t first_free = self.rounds.round() + 1;
    if (const auto* hello = std::get_if<EdgeHello>(&message)) {
      if (self.edges.on_hello(peer, *hello, effects)) stage_.note("history lost: drop the edge");
      self.rounds.on_edge_open(peer, first_free, effects);
    } else if (const auto* open = std::get_if<RoundOpen>(&message)) {
      self.rounds.on_round_open(peer, *open, first_free, effects);
    } else if (const auto* applied = std::get_if<ExchangeApplied>(&message)) {
      self.edges.confirmed(peer, applied->exchange);
    } else if (auto* bulk = std::get_if<Bulk>(&message)) {
      self.rounds.on_payload(peer, std::move(*bulk), effects);
    }
    mix(node, effects);
  }

  std::vector<std::unique_ptr<RoundNode>> nodes_;
  Stage stage_;
};

TEST(Transcript, OfTwoRoundsOnALine) {
  RoundStage stage("A - B - C: two rounds");
  stage.link(0, 1);
  stage.link(1, 2);
  for (int round = 0; round < 2; ++round) {
    for (const std::size_t node : {0U, 1U, 2U}) stage.encode(node);
    stage.run_for(50ms);
  }
  stage.expect_equals("round_line");
}

TEST(Transcript, OfABrokenRound) {
  RoundStage stage("A is a round ahead of B, which waits for C, when their link breaks");
  stage.link(0, 1);
  stage.link(1, 2);
  stage.encode(0);
  stage.encode(1);
  stage.run_for(50ms);
  stage.encode(0);
  stage.run_for(50ms);
  stage.cut(0, 1);
  stage.encode(2);
  stage.run_for(50ms);
  stage.link(0, 1);
  stage.run_for(50ms);
  stage.expect_equals("round_broken_link");
}

}  // namespace
}  // namespace starling::testing
