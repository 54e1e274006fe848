#pragma once
// Asynchronous gossip: H local steps, then an exchange with whichever neighbour is free (AD-PSGD,
// Lian et al. 2018; SwarmSGD, Nadiradze et al. 2021). While an exchange runs, up to `overlap_steps`
// local steps go on.

#include <algorithm>

#include "node/core/company_pace.h"
#include "node/core/trainer.h"
#include "protocol/exchange/edge_book.h"
#include "protocol/exchange/pair_exchange.h"

namespace starling::node {

class PairTrainer final : public Trainer {
 public:
  explicit PairTrainer(const Config& config);

  void start(Step step, Turn& turn) override;
  void stop(Turn& turn) override;
  void neighbour_up(const NodeId& peer, Turn& turn) override;
  void neighbour_down(const NodeId& peer, Turn& turn) override;
  void give_up(const NodeId& peer, Turn& turn) override;
  void receive(const NodeId& peer, protocol::Message&& message, Turn& turn) override;
  void finished(LearnerResult& result, Turn& turn) override;
  void progressed(const BulkProgressed& progress, Turn& turn) override;
  [[nodiscard]] Instant next_deadline() const override {
    return std::min(exchange_.next_deadline(), pace_.next_deadline());
  }
  void tick(Turn& turn) override;
  [[nodiscard]] Step step() const override { return step_; }
  [[nodiscard]] bool complete() const override { return step_ >= steps_total_; }
  [[nodiscard]] bool settled() const override { return !training_ && !exchange_.running(); }
  void fill(NodeStatus& status) const override;

 protected:
  [[nodiscard]] bool awaits_exchange() const override;
  [[nodiscard]] Step model_step() const override { return step_ + steps_under_way_; }

 private:
  void proceed(Turn& turn);
  [[nodiscard]] Company company() const {
    return company_of(!neighbours_.empty(), edges_.has_open_edge());
  }
  void encode(Turn& turn);
  void report_progress(Turn& turn);
  [[nodiscard]] bool keep_pace();
  void mix(std::optional<protocol::PairMix> mix, Turn& turn);
  void on_hello(const NodeId& peer, const protocol::EdgeHello& hello, Turn& turn);
  [[nodiscard]] bool willing() const;

  std::uint32_t local_steps_;
  std::uint32_t overlap_steps_;
  std::uint32_t lead_steps_;
  Step steps_total_;
  protocol::EdgeBook edges_;
  protocol::PairExchange exchange_;
  std::set<NodeId> neighbours_;
  CompanyPace pace_;
  Step step_ = 0;
  Step reported_step_ = 0;
  std::uint32_t since_exchange_ = 0;
  std::uint32_t during_exchange_ = 0;  ///< Local steps since the running exchange began.
  std::uint64_t exchanges_ = 0;
  bool started_ = false;
  bool stopped_ = false;
  bool training_ = false;  ///< A TrainJob is under way.
  Instant training_since_;
  std::uint32_t steps_under_way_ = 0;  ///< Its steps.
};

}  // namespace starling::node
