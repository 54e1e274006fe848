#include "node/core/vote_trainer.h"

#include <algorithm>
#include <utility>

#include "node/core/recipe_digest.h"
#include "node/core/vote_cut.h"

namespace starling::node {

namespace {

using namespace std::chrono_literals;

/// How many steps a node runs ahead of the slowest present voter; hides the broadcast's delay.
constexpr Step steps_ahead = 2;

/// How long it waits for a voter beyond that, before interval_scale. Our guess.
constexpr Duration voter_patience = 1s;

/// How long a node that begins waits for votes of its own that neighbours tell of. Our guess.
constexpr Duration own_votes_patience = 10s;

/// How long a node that finds votes of its own which it has not cast waits before it casts any: if
/// another process of it runs, this one hears of it in this time, and stops (identity_watch.h). Our
/// guess.
constexpr Duration sole_process_time = 1s;

/// Between calls for missing packets while the ledger has to become whole, before interval_scale.
constexpr Duration resync_interval = 200ms;

}  // namespace

VoteTrainer::VoteTrainer(const Config& config, const Roll& roll)
    : config_(config),
      roll_(roll),
      ledger_({.seed = config.seed,
               .interval_scale = config.interval_scale,
               .store_bytes_max = config.vote_store_bytes_max}),
      catch_up_(config, ledger_),
      donor_(recipe_digest(config.recipe), config.interval_scale),
      divergence_(config, ledger_),
      privacy_(config),
      pace_(config.interval_scale) {}

void VoteTrainer::start(Step step, Turn& turn) {
  step_ = std::max(step_, step);
  started_ = true;
  check_privacy(turn);
  resync_at_ = turn.now;
  own_votes_awaited_until_ = turn.now + scaled(own_votes_patience, config_.interval_scale);
  sole_process_at_ = turn.now + scaled(sole_process_time, config_.interval_scale);
  catch_up_.consider(turn);
  proceed(turn);
}

void VoteTrainer::stop(Turn& turn) {
  stopped_ = true;
  resync_at_ = turn.now;
}

void VoteTrainer::neighbour_up(const NodeId& peer, Turn& turn) {
  neighbours_ += 1;
  ledger_.neighbour_up(peer, turn.now, turn.effects);
  divergence_.neighbour_up(peer, turn);
}

void VoteTrainer::neighbour_down(const NodeId& peer, Turn& turn) {
  neighbours_ -= 1;
  ledger_.neighbour_down(peer);
  donor_.neighbour_down(peer);
  catch_up_.neighbour_down(peer, turn);
  divergence_.neighbour_down(peer);
  proceed(turn);
}

void VoteTrainer::give_up(const NodeId& peer, Turn& turn) {
  static_cast<void>(peer);  // its votes stay: they are part of the model
  proceed(turn);
}

/// Not one that has ended: at its last step, or at the end of its privacy; nor one whose votes are
/// void.
bool VoteTrainer::votes_on(const NodeId& voter) const {
  return !roll_.find(voter)->presence.finished && !ledger_.voided_from(voter);
}

bool VoteTrainer::is_behind(const NodeId& voter) const {
  if (!votes_on(voter)) return false;
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

/// Until it has what the others voted without it, if that is most of what there is, or if it has
/// just begun. Halves of a partition that heals have much to tell each other, and go on meanwhile,
/// the slower one too; so does a node that slept.
bool VoteTrainer::is_held_back() const {
  return catch_up_.lacks_most() || (catch_up_.active() && packets_cast_here_ == 0);
}

/// A newcomer that hears votes of a later step, and of no neighbour yet what all have voted, would
/// vote on a model that has none of it. They tell it as soon as they are linked.
bool VoteTrainer::awaits_first_word(Instant now) const {
  const Step theirs = std::max(newest_step_, roll_.highest_step());
  const bool lacks_steps = theirs > late_by_steps && ledger_.packets_held() < theirs;
  return packets_cast_here_ == 0 && neighbours_ > 0 && lacks_steps && ledger_.told().empty() &&
         now < own_votes_awaited_until_;
}

void VoteTrainer::proceed(Turn& turn) {
  apply_pending(turn);
  if (pending_.empty() && applying_ == 0) catch_up_.applied(newest_step_, turn);
  if (!started_ || stopped_ || loading_ || is_held_back()) return;
  if (!catch_up_.active()) {  // else no others have the same votes
    save_if_due(turn);
    divergence_.proceed(step_, turn);
  }
  if (probing_ || complete()) return;
  // Two packets of ours with one number would be a fork of the ledger: a process that has lost the
  // end of its log gets its own votes from others first. A neighbour that lies delays it a little.
  const bool lacks_own_votes = ledger_.told_of(config_.self.id) > packets_cast_;
  if (lacks_own_votes && turn.now < own_votes_awaited_until_) return;
  if (awaits_first_word(turn.now)) return;
  const bool is_restarted = packets_cast_ > packets_cast_here_;
  if (is_restarted && turn.now < sole_process_at_) return;
  const Step newest = newest_step_;
  if (roll_.highest_step() > newest + config_.recipe.ledger().window_steps / 2) return;
  step_ =
      std::min(std::max(step_, newest), config_.steps_total);  // a late node joins the others' step
  if (complete()) return;
  if (!in_step() && turn.now < patience_ends_) {
    if (patience_ends_ == Instant::never()) patience_ends_ = turn.now + patience();
    return;
  }
  patience_ends_ = Instant::never();
  if (!pace_.may_step(1, company(), turn.now)) return;
  probing_ = true;
  replica_step_ = complete_through();
  turn.jobs.emplace_back(
      ProbeJob{.step = step_, .first_probe = 0, .count = config_.recipe.ledger().probes});
}

/// The step before which all votes of the present voters are in the replica.
Step VoteTrainer::complete_through() const {
  Step through = step_;
  for (const NodeId& voter : roll_.present()) {
    if (!votes_on(voter)) continue;
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
  if (loading_ || pending_.empty()) return;
  applying_ += 1;
  turn.jobs.emplace_back(ApplyVotesJob{std::move(pending_)});
  pending_.clear();
}

void VoteTrainer::insert(const protocol::SignedAnnouncement& announcement, Bytes signed_bytes,
                         bool is_logged, Turn& turn) {
  if (const auto* proof = std::get_if<protocol::EquivocationProof>(&announcement.content)) {
    return convict(*proof, std::move(signed_bytes), is_logged, turn);
  }
  const auto* packet = std::get_if<protocol::VotePacket>(&announcement.content);
  if (packet == nullptr) return;
  const auto inserted = ledger_.insert(announcement.author, *packet, signed_bytes);
  if (inserted == protocol::VoteInsertion::conflict) expose(announcement, signed_bytes, turn);
  if (inserted != protocol::VoteInsertion::stored) return;
  Step& latest = latest_[announcement.author];
  latest = std::max(latest, packet->step);
  newest_step_ = std::max(newest_step_, latest);
  if (announcement.author == config_.self.id) {
    packets_cast_ = std::max(packets_cast_, packet->packet + 1);
    votes_cast_ += packet->codes.size();
    check_privacy(turn);
  }
  if (!protocol::is_void(*packet, config_.recipe.ledger().window_steps)) {
    votes_counted_ += packet->codes.size();
    pending_.push_back(VoteBatch{announcement.author, packet->step, packet->first_probe,
                                 packet->codes, packet->packet});
    divergence_.counted(signed_bytes, pending_.back());
  }
  if (!is_logged) turn.vote_log.push_back(std::move(signed_bytes));
}

void VoteTrainer::restore(const protocol::SignedAnnouncement& announcement, Bytes signed_bytes,
                          Turn& turn) {
  insert(announcement, std::move(signed_bytes), true, turn);
  const auto* packet = std::get_if<protocol::VotePacket>(&announcement.content);
  const bool is_own = announcement.author == config_.self.id;
  if (is_own && packet != nullptr) step_ = std::max(step_, packet->step + 1);
}

void VoteTrainer::receive(const protocol::SignedAnnouncement& announcement, Bytes&& signed_bytes,
                          Turn& turn) {
  insert(announcement, std::move(signed_bytes), false, turn);
  proceed(turn);
}

void VoteTrainer::receive(const NodeId& peer, protocol::Message&& message, Turn& turn) {
  if (const auto* vector = std::get_if<protocol::VoteVector>(&message)) {
    receive(peer, *vector, turn);
  } else if (const auto* request = std::get_if<protocol::VoteRangeRequest>(&message)) {
    const auto handled = ledger_.receive(peer, *request, turn.effects);
    if (!handled) turn.blame(peer, handled.error());
  } else if (auto* range = std::get_if<protocol::VoteRange>(&message)) {
    receive(peer, std::move(*range), turn);
  } else if (const auto* query = std::get_if<protocol::StateQuery>(&message)) {
    donor_.receive(peer, *query, ledger_.is_whole(), turn);
  } else if (const auto* offer = std::get_if<protocol::StateOffer>(&message)) {
    catch_up_.receive(peer, *offer, turn);
  } else if (const auto* wanted = std::get_if<protocol::StateRequest>(&message)) {
    donor_.receive(peer, *wanted, turn);
  } else if (const auto* refusal = std::get_if<protocol::StateUnavailable>(&message)) {
    catch_up_.receive(peer, *refusal, turn);
  } else if (auto* bulk = std::get_if<protocol::Bulk>(&message)) {
    auto load = catch_up_.receive(peer, std::move(*bulk));
    if (load) begin_load(std::move(*load), true, turn);
  } else if (!stopped_ && !loading_) {  // else the replica is about to become another
    const auto* cut = std::get_if<protocol::CutDigest>(&message);
    if (cut != nullptr && divergence_.has_other_votes(*cut)) {
      ledger_.compare_with(peer, turn.now, turn.effects);
    }
    divergence_.receive(peer, message, turn);
  }
}

/// What a neighbour has that this node lacks is fetched at once if it is little, and otherwise as
/// the catch-up decides.
void VoteTrainer::receive(const NodeId& peer, const protocol::VoteVector& vector, Turn& turn) {
  const bool is_due = started_ && catch_up_.is_due(turn.now);
  if (is_due) ledger_.pause_fetching();
  const auto handled = ledger_.receive(peer, vector, turn.now, turn.effects);
  if (!handled) turn.blame(peer, handled.error());
  if (is_due) catch_up_.consider(turn);
}

void VoteTrainer::receive(const NodeId& peer, protocol::VoteRange&& range, Turn& turn) {
  catch_up_.receive(peer, range, turn);
  for (Bytes& bytes : range.packets) {
    const auto opened = config_.open_announcement(bytes, config_.run);
    if (!opened) return turn.blame(peer, opened.error());
    insert(*opened, std::move(bytes), false, turn);
  }
  ledger_.range_inserted(peer, turn.now, turn.effects);
  proceed(turn);
}

void VoteTrainer::finished(LearnerResult& result, Turn& turn) {
  if (auto* probed = std::get_if<ProbeDone>(&result)) {
    probing_ = false;
    step_ = std::max(step_, probed->step + 1);
    pace_.on_step(step_, company(), turn.now);
    turn.events.emplace_back(StepsDone{step_, probed->loss});
    if (is_convicted_) return proceed(turn);  // nobody would count it
    // Begun just before a neighbour has told how much there is: on a model of its own.
    if (packets_cast_here_ == 0 && catch_up_.lacks_most()) return proceed(turn);
    turn.announcements.emplace_back(protocol::VotePacket{.packet = packets_cast_,
                                                         .step = probed->step,
                                                         .replica_step = replica_step_,
                                                         .first_probe = probed->first_probe,
                                                         .codes = std::move(probed->codes)});
    packets_cast_here_ += 1;
    packets_cast_ += 1;  // now, not when it is published: the next probe may begin before that
    check_privacy(turn);
  } else if (std::holds_alternative<ApplyVotesDone>(result)) {
    applying_ -= 1;
  } else if (const auto* rebuilt = std::get_if<RebuildDone>(&result);
             rebuilt != nullptr && rebuilt->is_anew) {
    rebuilding_anew_ -= 1;
    catch_up_.consider(turn);
  } else {
    divergence_.finished(result, turn);
  }
  proceed(turn);
}

void VoteTrainer::check_privacy(Turn& turn) {
  if (privacy_is_spent_ || !privacy_.is_spent(packets_cast_)) return;
  privacy_is_spent_ = true;
  patience_ends_ = Instant::never();
  turn.events.emplace_back(Warned{privacy_.farewell(packets_cast_)});
}

bool VoteTrainer::complete() const {
  return step_ >= config_.steps_total || privacy_is_spent_ || is_convicted_;
}

Instant VoteTrainer::next_deadline() const {
  return std::min({ledger_.next_deadline(), catch_up_.next_deadline(), pace_.next_deadline(),
                   patience_ends_, resync_at_});
}

/// Until the ledger is whole: before casting (a late joiner) and after the last step. While the
/// broadcast still brings votes, asking for them would bring them twice.
void VoteTrainer::tick(Turn& turn) {
  ledger_.tick(turn.now, turn.effects);
  catch_up_.tick(turn);
  pace_.tick(turn.now);
  if (resync_at_ <= turn.now) {
    const bool is_waiting = catch_up_.active() || complete() || stopped_ ||
                            roll_.highest_step() > newest_step_ + steps_ahead;
    const bool stands_still = ledger_.digest() == std::exchange(last_digest_, ledger_.digest());
    if (is_waiting && stands_still && !settled() && !ledger_.is_fetching(turn.now))
      ledger_.sync_now(turn.effects);
    resync_at_ = turn.now + scaled(resync_interval, config_.interval_scale);
  }
  proceed(turn);
  // It waits for something else by now: a merge, its own votes. Left as it is, the deadline would
  // call for a tick at once, again and again.
  if (patience_ends_ <= turn.now) patience_ends_ = Instant::never();
}

bool VoteTrainer::settled() const {
  return !probing_ && !catch_up_.active() && applying_ == 0 && pending_.empty() &&
         !divergence_.rebuilding() && rebuilding_anew_ == 0 &&
         (ledger_.agrees_with_neighbours() || neighbours_ == 0);
}

void VoteTrainer::fill(NodeStatus& status) const {
  status.votes = votes_cast_;
  status.caught_up = catch_up_.result();
  status.snapshot = snapshot_;
  if (catch_up_.active()) status.phase = "catching_up";
  divergence_.fill(status);
  status.equivocators = ledger_.convicted();
  status.privacy = privacy_.status(packets_cast_);
}

}  // namespace starling::node
