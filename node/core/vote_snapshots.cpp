// VoteTrainer: the replica as a whole, saved for joiners and taken from others.

#include <algorithm>
#include <map>
#include <utility>

#include "node/core/vote_cut.h"
#include "node/core/vote_trainer.h"

namespace starling::node {

namespace {

/// So many steps are voted on after a snapshot's before it is made: late packets have come by then,
/// and all nodes save the same. Our guess.
constexpr Step snapshot_lag = 8;

}  // namespace

void VoteTrainer::load(protocol::SharedBytes state, Turn& turn) {
  begin_load({std::move(state)}, false, turn);
}

void VoteTrainer::begin_load(LoadStateJob job, bool is_from_peer, Turn& turn) {
  apply_pending(turn);
  for (const protocol::HeldPacket& held : ledger_.held_beyond({})) {
    VoteBatch batch = batch_of(held, config_.recipe.ledger().window_steps);
    if (!batch.codes.empty()) pending_.push_back(std::move(batch));
  }
  pending_applied_ = pending_.size();
  loading_ = LoadingState{job.state, is_from_peer};
  turn.jobs.emplace_back(std::move(job));
}

void VoteTrainer::loaded(const LoadStateDone& done, Turn& turn) {
  LoadingState loaded = std::move(*std::exchange(loading_, std::nullopt));
  const bool is_good = !done.error && !holds_void(done.packets);
  if (is_good) {
    adopt(done, std::move(loaded), turn);
  } else {
    pending_.erase(pending_.begin(),
                   pending_.begin() + static_cast<std::ptrdiff_t>(pending_applied_));
  }
  const bool holds_void_votes = done.error ? begins_anew_ : !is_good;
  begins_anew_ = false;
  if (holds_void_votes) begin_anew(turn);
  catch_up_.loaded(is_good, turn);
  proceed(turn);
}

/// The replica is the loaded state now; what it does not contain is added anew.
void VoteTrainer::adopt(const LoadStateDone& done, LoadingState&& loaded, Turn& turn) {
  ledger_.adopt(done.packets);
  std::map<NodeId, std::uint64_t> contained;
  for (const auto& [author, packets] : done.packets) {
    contained[author] = packets;
    latest_[author] = std::max(latest_[author], done.step - 1);
    newest_step_ = std::max(newest_step_, latest_[author]);
    if (author == config_.self.id) packets_cast_ = std::max(packets_cast_, packets);
  }
  check_privacy(turn);
  divergence_.begin_with_snapshot();
  std::erase_if(pending_, [&](const VoteBatch& batch) {
    const auto end = contained.find(batch.author);
    return end != contained.end() && batch.packet < end->second;
  });
  votes_counted_ = done.votes;
  for (const VoteBatch& batch : pending_) votes_counted_ += batch.codes.size();
  cut_step_ = done.step;
  cut_packets_ = done.packets;
  SaveStateDone state{.step = done.step, .state = std::move(loaded.state), .digest = done.digest};
  for (const auto& [author, packets] : done.packets) state.packets += packets;
  donor_.keep(state);
  if (loaded.is_from_peer) turn.checkpoint = std::move(state.state);
}

/// Every checkpoint_every steps, once the votes of all present nodes up to there are in: nodes that
/// hold the same votes save the same bytes.
void VoteTrainer::save_if_due(Turn& turn) {
  if (config_.checkpoint_every == 0) return;
  const auto due_at = [this](Step whole) {
    return whole < snapshot_lag
               ? 0
               : (whole - snapshot_lag) / config_.checkpoint_every * config_.checkpoint_every;
  };
  if (due_at(step_) <= cut_step_) return;  // asked at every packet, and all voters are many
  const Step step = due_at(complete_through());
  if (step <= cut_step_) return;
  cut_step_ = step;
  VoteCut cut = cut_before({step, config_.recipe.ledger().window_steps, cut_packets_}, ledger_);
  cut_packets_ = cut.packets;
  cut.votes = votes_counted_;
  for (const VoteBatch& batch : cut.without) cut.votes -= batch.codes.size();
  turn.jobs.emplace_back(SaveStateJob{.for_joiner = false, .request = 0, .cut = std::move(cut)});
}

void VoteTrainer::saved(const SaveStateDone& done, Turn& turn) {
  donor_.keep(done);
  turn.checkpoint = done.state;
  snapshot_ = SnapshotSaved{done.step, done.votes, done.model};
  turn.events.emplace_back(*snapshot_);
}

}  // namespace starling::node
