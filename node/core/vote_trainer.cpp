#include "node/core/vote_trainer.h"

#include <algorithm>
#include <utility>

namespace starling::node {

namespace {

using namespace std::chrono_literals;

/// How many steps a node runs ahead of the slowest present voter; hides the broadcast's delay.
constexpr Step steps_ahead = 2;

/// How long it waits for a voter beyond that, before interval_scale. Our guess.
constexpr Duration voter_patience = 1s;

/// Between calls for missing packets while the ledger has to become whole, before interval_scale.
constexpr Duration resync_interval = 200ms;

}  // namespace

VoteTrainer::VoteTrainer(const Config& config, const Roll& roll)
    : config_(config),
      roll_(roll),
      ledger_({.seed = config.seed, .interval_scale = config.interval_scale}) {}

void VoteTrainer::start(Step step, Turn& turn) {
  step_ = std::max(step_, step);
  started_ = true;
  resync_at_ = turn.now;
  proceed(turn);
}

void VoteTrainer::stop(Turn& turn) {
  stopped_ = true;
  resync_at_ = turn.now;
}

void VoteTrainer::neighbour_up(const NodeId& peer, Turn& turn) {
  neighbours_ += 1;
  ledger_.neighbour_up(peer, turn.now, turn.effects);
}

void VoteTrainer::neighbour_down(const NodeId& peer, Turn& turn) {
  neighbours_ -= 1;
  ledger_.neighbour_down(peer);
  proceed(turn);
}

void VoteTrainer::give_up(const NodeId& peer, Turn& turn) {
  static_cast<void>(peer);  // its votes stay: they are part of the model
  proceed(turn);
}

bool VoteTrainer::is_behind(const NodeId& voter) const {
  const auto newest = latest_.find(voter);
  // One not heard yet is waited for as the run begins; a later joiner holds nobody up.
  if (newest == latest_.end()) return step_ == steps_ahead;
  return newest->second + steps_ahead < step_;
}

/// Asked at every packet: while the one last found behind still is, nobody else has to be looked
/// at.
bool VoteTrainer::in_step() {
  if (roll_.present().contains(waiting_for_) && is_behind(waiting_for_)) return false;
  const auto behind = std::ranges::find_if(
      roll_.present(), [this](const NodeId& voter) { return is_behind(voter); });
  if (behind == roll_.present().end()) return true;
  waiting_for_ = *behind;
  return false;
}

void VoteTrainer::proceed(Turn& turn) {
  apply_pending(turn);
  if (!started_ || stopped_ || probing_ || complete()) return;
  const Step newest = newest_step_;
  if (roll_.highest_step() > newest + config_.recipe.votes.window_steps / 2) return;
  step_ =
      std::min(std::max(step_, newest), config_.steps_total);  // a late node joins the others' step
  if (complete()) return;
  if (!in_step() && turn.now < patience_ends_) {
    if (patience_ends_ == Instant::never()) patience_ends_ = turn.now + patience();
    return;
  }
  patience_ends_ = Instant::never();
  probing_ = true;
  replica_step_ = complete_through();
  turn.jobs.emplace_back(
      ProbeJob{.step = step_, .first_probe = 0, .count = config_.recipe.votes.probes});
}

/// The step before which all votes of the present voters are in the replica.
Step VoteTrainer::complete_through() const {
  Step through = step_;
  for (const NodeId& voter : roll_.present()) {
    if (const auto newest = latest_.find(voter); newest != latest_.end()) {
      through = std::min(through, newest->second + 1);
    }
  }
  return through;
}

Duration VoteTrainer::patience() const {
  return scaled(voter_patience, config_.interval_scale);
}

void VoteTrainer::apply_pending(Turn& turn) {
  if (pending_.empty()) return;
  applying_ += 1;
  turn.jobs.emplace_back(ApplyVotesJob{std::move(pending_)});
  pending_.clear();
}

void VoteTrainer::insert(const protocol::SignedAnnouncement& announcement, Bytes signed_bytes,
                         bool is_logged, Turn& turn) {
  const auto* packet = std::get_if<protocol::VotePacket>(&announcement.content);
  if (packet == nullptr) return;
  const auto inserted = ledger_.insert(announcement.author, *packet, signed_bytes);
  if (inserted != protocol::VoteInsertion::stored) return;
  if (!is_logged) turn.vote_log.push_back(std::move(signed_bytes));
  Step& latest = latest_[announcement.author];
  latest = std::max(latest, packet->step);
  newest_step_ = std::max(newest_step_, latest);
  if (announcement.author == config_.self.id) {
    packets_cast_ = std::max(packets_cast_, packet->packet + 1);
    votes_cast_ += packet->codes.size();
  }
  if (protocol::is_void(*packet, config_.recipe.votes.window_steps)) return;
  pending_.push_back(
      VoteBatch{announcement.author, packet->step, packet->first_probe, packet->codes});
}

void VoteTrainer::restore(const protocol::SignedAnnouncement& announcement, Bytes signed_bytes,
                          Turn& turn) {
  insert(announcement, std::move(signed_bytes), true, turn);
  if (announcement.author == config_.self.id) step_ = latest_[announcement.author] + 1;
}

void VoteTrainer::receive(const protocol::SignedAnnouncement& announcement, Bytes&& signed_bytes,
                          Turn& turn) {
  insert(announcement, std::move(signed_bytes), false, turn);
  proceed(turn);
}

void VoteTrainer::receive(const NodeId& peer, protocol::Message&& message, Turn& turn) {
  if (const auto* vector = std::get_if<protocol::VoteVector>(&message)) {
    const auto handled = ledger_.receive(peer, *vector, turn.now, turn.effects);
    if (!handled) turn.blame(peer, handled.error());
  } else if (const auto* request = std::get_if<protocol::VoteRangeRequest>(&message)) {
    const auto handled = ledger_.receive(peer, *request, turn.effects);
    if (!handled) turn.blame(peer, handled.error());
  } else if (auto* range = std::get_if<protocol::VoteRange>(&message)) {
    for (Bytes& bytes : range->packets) {
      const auto opened = config_.open_announcement(bytes, config_.run);
      if (!opened) return turn.blame(peer, opened.error());
      insert(*opened, std::move(bytes), false, turn);
    }
    ledger_.range_inserted(peer, turn.now, turn.effects);
    proceed(turn);
  }
}

void VoteTrainer::finished(LearnerResult& result, Turn& turn) {
  if (auto* probed = std::get_if<ProbeDone>(&result)) {
    probing_ = false;
    step_ = std::max(step_, probed->step + 1);
    turn.events.emplace_back(StepsDone{step_, probed->loss});
    turn.announcements.emplace_back(protocol::VotePacket{.packet = packets_cast_,
                                                         .step = probed->step,
                                                         .replica_step = replica_step_,
                                                         .first_probe = probed->first_probe,
                                                         .codes = std::move(probed->codes)});
  } else if (std::holds_alternative<ApplyVotesDone>(result)) {
    applying_ -= 1;
  }
  proceed(turn);
}

Instant VoteTrainer::next_deadline() const {
  return std::min({ledger_.next_deadline(), patience_ends_, resync_at_});
}

/// Until the ledger is whole: before casting (a late joiner) and after the last step.
void VoteTrainer::tick(Turn& turn) {
  ledger_.tick(turn.now, turn.effects);
  if (resync_at_ <= turn.now) {
    const bool is_waiting =
        complete() || stopped_ || roll_.highest_step() > newest_step_ + steps_ahead;
    if (is_waiting && !settled()) ledger_.sync_now(turn.effects);
    resync_at_ = turn.now + scaled(resync_interval, config_.interval_scale);
  }
  proceed(turn);
}

bool VoteTrainer::settled() const {
  return !probing_ && applying_ == 0 && pending_.empty() &&
         (ledger_.agrees_with_neighbours() || neighbours_ == 0);
}

void VoteTrainer::fill(NodeStatus& status) const {
  status.votes = votes_cast_;
}

}  // namespace starling::node
