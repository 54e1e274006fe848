#pragma once
// Synchronous rounds: H local steps, one exchange with all neighbours, again (D-PSGD, Lian et al.
// 2017; gradient tracking, CHOCO and BEER use the same clock).

#include <algorithm>

#include "node/core/company_pace.h"
#include "node/core/trainer.h"
#include "protocol/exchange/edge_book.h"
#include "protocol/exchange/round_exchange.h"

namespace starling::node {

class RoundTrainer final : public Trainer {
 public:
  explicit RoundTrainer(const Config& config);

  void start(Step step, Turn& turn) override;
  void stop(Turn& turn) override;
  void neighbour_up(const NodeId& peer, Turn& turn) override;
  void neighbour_down(const NodeId& peer, Turn& turn) override;
  void give_up(const NodeId& peer, Turn& turn) override;
  void receive(const NodeId& peer, protocol::Message&& message, Turn& turn) override;
  void finished(LearnerResult& result, Turn& turn) override;
  void progressed(const BulkProgressed& progress, Turn& turn) override;
  [[nodiscard]] Instant next_deadline() const override {
    return std::min(rounds_.next_deadline(), pace_.next_deadline());
  }
  void tick(Turn& turn) override;
  [[nodiscard]] Step step() const override { return step_; }
  [[nodiscard]] bool complete() const override {
    return step_ >= steps_total_ && !rounds_.running();
  }
  [[nodiscard]] bool settled() const override { return !computing_ && !rounds_.running(); }
  void fill(NodeStatus& status) const override;

 protected:
  [[nodiscard]] bool awaits_exchange() const override { return computing_ || rounds_.running(); }

 private:
  void proceed(Turn& turn);
  [[nodiscard]] Company company() const {
    // Until an edge's first round is agreed on it holds nobody: whoever began meanwhile would be
    // through with many rounds, and the agreement with those that come after them.
    return company_of(!neighbours_.empty(), rounds_.has_agreed_edge());
  }
  void open_edge(const NodeId& peer, Turn& turn);
  void on_hello(const NodeId& peer, const protocol::EdgeHello& hello, Turn& turn);
  void on_bulk(const NodeId& peer, protocol::Bulk&& bulk, Turn& turn);
  [[nodiscard]] std::uint64_t first_free_round() const {
    return rounds_.round() + (computing_ ? 2 : 1);
  }

  std::uint32_t local_steps_;
  Step steps_total_;
  bool has_memory_;  ///< Neighbours hold copies of us that a new edge has to be given.
  protocol::EdgeBook edges_;
  Digest recipe_;
  protocol::RoundExchange rounds_;
  std::set<NodeId> neighbours_;
  CompanyPace pace_;
  Step step_ = 0;
  std::uint64_t exchanges_ = 0;
  bool started_ = false;
  bool stopped_ = false;
  bool computing_ = false;  ///< From the local steps of a round to its payload.
  Instant computing_since_;
};

}  // namespace starling::node
