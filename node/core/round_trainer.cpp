#include "node/core/round_trainer.h"

#include <algorithm>
#include <utility>

#include "node/core/recipe_digest.h"
#include "optim/clock/clock.h"
#include "optim/memory/memory.h"

namespace starling::node {

RoundTrainer::RoundTrainer(const Config& config)
    : local_steps_(config.recipe.gossip().clock.settings.count("local_steps")),
      steps_total_(config.steps_total),
      has_memory_(config.recipe.gossip().memory.traits().copies_peers),
      edges_(config.incarnation, has_memory_ ? protocol::EdgeBook::Broken::dropped
                                             : protocol::EdgeBook::Broken::completed),
      recipe_(recipe_digest(config.recipe)),
      rounds_({.self = config.self.id, .recipe = recipe_}, edges_),
      pace_(config.interval_scale) {}

void RoundTrainer::start(Step step, Turn& turn) {
  step_ = step;
  started_ = true;
  pace_.start(turn.now);
  rounds_.resume(step / local_steps_);
  for (const NodeId& peer : neighbours_) open_edge(peer, turn);
  proceed(turn);
}

void RoundTrainer::stop(Turn& turn) {
  static_cast<void>(turn);
  stopped_ = true;
}

void RoundTrainer::neighbour_up(const NodeId& peer, Turn& turn) {
  neighbours_.insert(peer);
  if (started_) open_edge(peer, turn);
}

/// Says hello, and goes on with the edge if the peer's hello is here already.
void RoundTrainer::open_edge(const NodeId& peer, Turn& turn) {
  edges_.greet(peer, step_, turn.effects);
  const protocol::Edge* edge = edges_.find(peer);
  if (edge->open) rounds_.on_edge_open(peer, first_free_round(), turn.effects);
}

void RoundTrainer::neighbour_down(const NodeId& peer, Turn& turn) {
  neighbours_.erase(peer);
  edges_.close(peer);
  rounds_.on_link_down(peer);
  proceed(turn);
}

void RoundTrainer::give_up(const NodeId& peer, Turn& turn) {
  if (edges_.find(peer) == nullptr) return;
  edges_.give_up(peer);
  turn.jobs.emplace_back(DropEdgeJob{peer});
}

/// Mixes what is complete, then begins the next round.
void RoundTrainer::proceed(Turn& turn) {
  for (protocol::RoundMix& mix : rounds_.take_mixes(turn.effects)) {
    exchanges_ += mix.peers.size();
    MixJob job{.number = mix.round, .own = std::move(mix.own), .peers = {}};
    for (protocol::RoundMixPeer& theirs : mix.peers) {
      turn.events.emplace_back(Exchanged{theirs.peer, step_, step_});
      job.peers.push_back({theirs.peer, theirs.weight, std::move(theirs.payload)});
    }
    turn.jobs.emplace_back(std::move(job));
  }
  if (!awaits_exchange()) evaluate_if_wanted(turn);
  if (!started_ || stopped_ || computing_ || rounds_.running() || step_ >= steps_total_) return;
  if (rounds_.skip_to_neighbours(late_by_steps / local_steps_)) {
    step_ = std::min(rounds_.round() * local_steps_, steps_total_);
    if (complete()) return;
  }
  const auto count =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(local_steps_, steps_total_ - step_));
  if (!pace_.may_step(count, company(), turn.now)) return;
  computing_ = true;
  computing_since_ = turn.now;
  const std::uint64_t next = rounds_.round() + 1;
  if (has_memory_ && next > 1) {
    for (const NodeId& peer : rounds_.starting_at(next)) turn.jobs.emplace_back(ResyncJob{peer});
  }
  turn.jobs.emplace_back(TrainJob{.first = step_, .count = count});
  turn.jobs.emplace_back(EncodeJob{.number = next, .step = step_ + count});
}

void RoundTrainer::on_hello(const NodeId& peer, const protocol::EdgeHello& hello, Turn& turn) {
  if (edges_.on_hello(peer, hello, turn.effects)) turn.jobs.emplace_back(DropEdgeJob{peer});
  if (started_ && neighbours_.contains(peer)) {
    rounds_.on_edge_open(peer, first_free_round(), turn.effects);
  }
}

void RoundTrainer::receive(const NodeId& peer, protocol::Message&& message, Turn& turn) {
  // A hello may be faster than the membership's word that the peer is a neighbour.
  if (const auto* hello = std::get_if<protocol::EdgeHello>(&message)) on_hello(peer, *hello, turn);
  if (!neighbours_.contains(peer)) return;
  if (const auto* opening = std::get_if<protocol::RoundOpen>(&message)) {
    rounds_.on_round_open(peer, *opening, first_free_round(), turn.effects);
  } else if (const auto* applied = std::get_if<protocol::ExchangeApplied>(&message)) {
    edges_.confirmed(peer, applied->exchange);
  } else if (auto* bulk = std::get_if<protocol::Bulk>(&message)) {
    on_bulk(peer, std::move(*bulk), turn);
  }
  proceed(turn);
}

void RoundTrainer::on_bulk(const NodeId& peer, protocol::Bulk&& bulk, Turn& turn) {
  if (bulk.kind == protocol::BulkKind::round_payload) {
    rounds_.on_payload(peer, std::move(bulk), turn.effects);
  } else if (bulk.kind == protocol::BulkKind::hat_copy && has_memory_ && bulk.context == recipe_) {
    turn.jobs.emplace_back(TakeCopyJob{peer, std::move(bulk.data)});
  }
}

void RoundTrainer::finished(LearnerResult& result, Turn& turn) {
  if (const auto* trained = std::get_if<TrainDone>(&result)) {
    step_ = trained->next;
    pace_.on_step(step_, company(), turn.now);
    turn.events.emplace_back(StepsDone{step_, trained->loss});
  } else if (auto* encoded = std::get_if<EncodeDone>(&result)) {
    computing_ = false;
    rounds_.set_compute_time(turn.now - computing_since_);
    rounds_.on_encoded(std::move(encoded->payload), step_, turn.now, turn.effects);
  } else if (auto* copy = std::get_if<ResyncDone>(&result)) {
    turn.effects.send(copy->peer, protocol::Bulk{.kind = protocol::BulkKind::hat_copy,
                                                 .number = rounds_.round() + 1,
                                                 .step = step_,
                                                 .degree = 0,
                                                 .context = recipe_,
                                                 .data = std::move(copy->payload)});
  } else if (const auto* mixed = std::get_if<MixDone>(&result)) {
    for (const NodeId& peer : mixed->rejected) {
      turn.blame(peer, protocol::RejectReason::bad_payload);
    }
  }
  proceed(turn);
}

/// A copy of a hat precedes the payload of the edge's first round.
void RoundTrainer::progressed(const BulkProgressed& progress, Turn& turn) {
  const bool is_payload = progress.kind == protocol::BulkKind::round_payload ||
                          progress.kind == protocol::BulkKind::hat_copy;
  if (is_payload) rounds_.on_progress(progress.peer, progress.number, turn.now);
}

void RoundTrainer::tick(Turn& turn) {
  rounds_.tick(turn.now, turn.effects);
  pace_.tick(turn.now);
  proceed(turn);
}

void RoundTrainer::fill(NodeStatus& status) const {
  status.exchanges = exchanges_;
  status.unreconciled = edges_.unreconciled();
}

}  // namespace starling::node
