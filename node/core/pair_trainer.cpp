#include "node/core/pair_trainer.h"

#include <algorithm>
#include <utility>

#include "node/core/recipe_digest.h"
#include "optim/clock/clock.h"

namespace starling::node {

PairTrainer::PairTrainer(const Config& config)
    : local_steps_(config.recipe.gossip().clock.settings.count("local_steps")),
      overlap_steps_(config.recipe.gossip().clock.settings.count("overlap_steps")),
      lead_steps_(config.recipe.gossip().clock.settings.count("lead_steps")),
      steps_total_(config.steps_total),
      edges_(config.incarnation),
      exchange_({.seed = config.seed, .recipe = recipe_digest(config.recipe)}, edges_),
      pace_(config.interval_scale) {}

void PairTrainer::start(Step step, Turn& turn) {
  step_ = step;
  started_ = true;
  pace_.start(turn.now);
  for (const NodeId& peer : neighbours_) edges_.greet(peer, step_, turn.effects);
  proceed(turn);
}

void PairTrainer::stop(Turn& turn) {
  static_cast<void>(turn);
  stopped_ = true;
}

void PairTrainer::neighbour_up(const NodeId& peer, Turn& turn) {
  neighbours_.insert(peer);
  if (started_) edges_.greet(peer, step_, turn.effects);
}

void PairTrainer::neighbour_down(const NodeId& peer, Turn& turn) {
  neighbours_.erase(peer);
  edges_.close(peer);
  exchange_.on_link_down(peer);
  proceed(turn);
}

void PairTrainer::give_up(const NodeId& peer, Turn& turn) {
  if (edges_.find(peer) == nullptr) return;
  edges_.give_up(peer);
  turn.jobs.emplace_back(DropEdgeJob{peer});
}

/// Trains up to the next exchange; once that is due, step by step until a neighbour is free.
void PairTrainer::proceed(Turn& turn) {
  if (!awaits_exchange()) evaluate_if_wanted(turn);
  if (!started_ || stopped_ || training_ || complete()) return;
  if (!keep_pace() || complete()) return;
  const bool due = since_exchange_ >= local_steps_;
  if (due && !exchange_.running()) exchange_.offer(step_, turn.now, turn.effects);
  if (!exchange_.running()) during_exchange_ = 0;
  std::uint64_t count = due ? 1 : local_steps_ - since_exchange_;
  if (exchange_.running()) {
    if (during_exchange_ >= overlap_steps_) return;
    count = std::min<std::uint64_t>(count, overlap_steps_ - during_exchange_);
  }
  count = std::min(count, steps_total_ - step_);
  if (!pace_.may_step(count, company(), turn.now)) return;
  training_ = true;
  training_since_ = turn.now;
  steps_under_way_ = static_cast<std::uint32_t>(count);
  turn.jobs.emplace_back(TrainJob{.first = step_, .count = steps_under_way_});
}

/// Holds the recipe's bound on the distance from the median neighbour. False: wait.
bool PairTrainer::keep_pace() {
  if (lead_steps_ == 0) return true;
  std::vector<Step> steps;
  for (const NodeId& peer : edges_.open_edges()) steps.push_back(edges_.find(peer)->peer_step);
  if (steps.empty()) return true;
  const auto median = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
  std::ranges::nth_element(steps, median);
  if (*median > step_ + lead_steps_) step_ = std::min(*median, steps_total_);
  return step_ <= *median + lead_steps_;
}

/// Tells the neighbours now and then, often enough that nobody waits for news.
void PairTrainer::report_progress(Turn& turn) {
  if (lead_steps_ == 0) return;
  const Step interval = std::max<Step>(lead_steps_ / 2, 1);
  if (step_ / interval == reported_step_ / interval && !complete()) return;
  reported_step_ = step_;
  for (const NodeId& peer : edges_.open_edges()) {
    turn.effects.send(peer, protocol::Progress{step_});
  }
}

bool PairTrainer::willing() const {
  return started_ && !stopped_ && (since_exchange_ * 2 >= local_steps_ || complete());
}

void PairTrainer::encode(Turn& turn) {
  since_exchange_ = 0;
  turn.jobs.emplace_back(EncodeJob{.number = 0, .step = step_});
}

void PairTrainer::mix(std::optional<protocol::PairMix> mix, Turn& turn) {
  if (!mix) return;
  constexpr float pair_weight = 0.5F;
  exchanges_ += 1;
  turn.events.emplace_back(Exchanged{mix->peer, step_, mix->peer_step});
  MixJob job{.number = mix->number, .own = std::move(mix->own), .peers = {}};
  job.peers.push_back({mix->peer, pair_weight, std::move(mix->theirs)});
  turn.jobs.emplace_back(std::move(job));
  evaluate_if_wanted(turn);
}

/// Without an open edge, or after the last step, nobody is asked any more.
bool PairTrainer::awaits_exchange() const {
  return exchange_.running() || (!stopped_ && !complete() && edges_.has_open_edge());
}

void PairTrainer::on_hello(const NodeId& peer, const protocol::EdgeHello& hello, Turn& turn) {
  if (edges_.on_hello(peer, hello, turn.effects)) turn.jobs.emplace_back(DropEdgeJob{peer});
  // Steps done between our hello and theirs were told to nobody: two nodes that wait for each
  // other's old step would wait for ever.
  if (lead_steps_ > 0) turn.effects.send(peer, protocol::Progress{step_});
}

void PairTrainer::receive(const NodeId& peer, protocol::Message&& message, Turn& turn) {
  // A hello may be faster than the membership's word that the peer is a neighbour.
  if (const auto* hello = std::get_if<protocol::EdgeHello>(&message)) on_hello(peer, *hello, turn);
  const auto* progress = std::get_if<protocol::Progress>(&message);
  if (progress != nullptr && edges_.find(peer) != nullptr) {
    edges_.set_peer_step(peer, progress->step);
  }
  if (!neighbours_.contains(peer)) return;
  if (const auto* offer = std::get_if<protocol::ExchangeOffer>(&message)) {
    if (exchange_.on_offer(peer, *offer, willing(), step_, turn.effects)) encode(turn);
  } else if (const auto* accept = std::get_if<protocol::ExchangeAccept>(&message)) {
    if (exchange_.on_accept(peer, *accept, turn.effects)) encode(turn);
  } else if (const auto* busy = std::get_if<protocol::ExchangeBusy>(&message)) {
    exchange_.on_busy(peer, *busy);
  } else if (const auto* applied = std::get_if<protocol::ExchangeApplied>(&message)) {
    edges_.confirmed(peer, applied->exchange);
  } else if (auto* bulk = std::get_if<protocol::Bulk>(&message);
             bulk != nullptr && bulk->kind == protocol::BulkKind::pair_payload) {
    mix(exchange_.on_payload(peer, std::move(*bulk), turn.effects), turn);
  }
  proceed(turn);
}

void PairTrainer::finished(LearnerResult& result, Turn& turn) {
  if (const auto* trained = std::get_if<TrainDone>(&result)) {
    training_ = false;
    exchange_.set_compute_time(turn.now - training_since_);
    steps_under_way_ = 0;
    const auto count = static_cast<std::uint32_t>(trained->next - step_);
    since_exchange_ += count;
    if (exchange_.running()) during_exchange_ += count;
    step_ = trained->next;
    pace_.on_step(step_, company(), turn.now);
    turn.events.emplace_back(StepsDone{step_, trained->loss});
    report_progress(turn);
  } else if (auto* encoded = std::get_if<EncodeDone>(&result)) {
    mix(exchange_.on_encoded(std::move(encoded->payload), step_, turn.now, turn.effects), turn);
  } else if (const auto* mixed = std::get_if<MixDone>(&result)) {
    for (const NodeId& peer : mixed->rejected) {
      turn.blame(peer, protocol::RejectReason::bad_payload);
    }
  }
  proceed(turn);
}

void PairTrainer::progressed(const BulkProgressed& progress, Turn& turn) {
  if (progress.kind != protocol::BulkKind::pair_payload) return;
  exchange_.on_progress(progress.peer, progress.number, turn.now);
}

void PairTrainer::tick(Turn& turn) {
  exchange_.tick(turn.now, turn.effects);
  pace_.tick(turn.now);
  proceed(turn);
}

void PairTrainer::fill(NodeStatus& status) const {
  status.exchanges = exchanges_;
  status.unreconciled = edges_.unreconciled();
}

}  // namespace starling::node
