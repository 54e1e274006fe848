// NodeParts: construction, and what follows from the state after every input.

#include <algorithm>
#include <limits>
#include <utility>

#include "node/core/model_form.h"
#include "node/core/node_parts.h"
#include "node/core/recipe_digest.h"
#include "starling/check.h"

namespace starling::node {

namespace {

using namespace std::chrono_literals;

// All before interval_scale, and all our guesses, untuned.
constexpr Duration presence_patience = 10s;  // two missed announcements
constexpr Duration gone_for_good = 60s;
constexpr Duration merge_settle_time = presence_patience;  // who comes back is heard by then
constexpr Duration merge_settle_time_max = 6 * merge_settle_time;
constexpr Duration proposal_turn = 2s;
constexpr Duration first_isolation_notice = 3s;

protocol::Merge::Options merge_options(const Config& config) {
  protocol::Merge::Options options;
  options.self = config.self.id;
  options.run = config.run;
  options.interval_scale = config.interval_scale;
  options.quorum = config.quorum;
  options.weight =
      config.recipe.merge_weight == optim::MergeWeight::samples ? config.sample_count : 1;
  options.values = config.parameter_count;
  return options;
}

protocol::MembershipOptions membership_options(const Config& config) {
  protocol::MembershipOptions options;
  options.self = config.self;
  options.seed = config.seed;
  options.interval_scale = config.interval_scale;
  if (!config.pinned_neighbours.empty()) options.pinned = config.pinned_neighbours;
  return options;
}

}  // namespace

NodeParts::NodeParts(Config config)
    : config_(std::move(config)),
      rng_(config_.seed),
      roll_({.nodes_expected = config_.nodes_expected,
             .patience = scaled(presence_patience, config_.interval_scale),
             .gone_after = scaled(gone_for_good, config_.interval_scale)}),
      membership_(membership_options(config_)),
      detector_({.seed = config_.seed, .interval_scale = config_.interval_scale}),
      broadcast_(config_.interval_scale),
      own_reach_(config_.self.address, config_.interval_scale),
      paths_(config_.self.id, config_.interval_scale),
      relay_(config_.interval_scale),
      watch_({.self = config_.self.id,
              .incarnation = config_.incarnation,
              .interval_scale = config_.interval_scale}),
      trainer_(make_trainer(config_, roll_)),
      merge_(merge_options(config_)),
      policy_({.self = config_.self.id,
               .turn_time = scaled(proposal_turn, config_.interval_scale),
               .settle_time = scaled(merge_settle_time, config_.interval_scale),
               .settle_time_max = scaled(merge_settle_time_max, config_.interval_scale),
               .quorum = config_.quorum,
               .accepts_partial = config_.accepts_partial}),
      catch_up_(recipe_digest(config_.recipe)),
      memory_(config_.self.id, config_.nodes_seen,
              scaled(protocol::limits::save_peers_interval, config_.interval_scale)),
      own_form_(form_of(config_)),
      sequence_(config_.incarnation) {
  for (const NodeId& node : config_.nodes_seen) {
    if (node != config_.self.id) roll_.remember(node);
  }
}

std::vector<Output> NodeParts::start(Instant now, protocol::SharedBytes checkpoint,
                                     const std::vector<Bytes>& votes) {
  Turn turn(now);
  joining_since_ = now;
  is_restored_ = !checkpoint.empty() || !votes.empty();
  if (!checkpoint.empty()) {
    enter(Phase::restoring);
    trainer_->load(std::move(checkpoint), turn);
  }
  for (const Bytes& bytes : votes) {
    const auto opened = config_.open_announcement(bytes, config_.run);
    if (opened) trainer_->restore(*opened, bytes, turn);
  }
  membership_.start(config_.bootstrap, now, turn.effects);
  if (config_.bootstrap.empty() && config_.pinned_neighbours.empty() &&
      config_.nodes_expected > 1) {
    turn.events.emplace_back(nobody_known(config_.self.address));
  }
  settle(turn);
  return outputs_of(std::move(turn));
}

std::vector<Output> NodeParts::handle(Input input, Instant now) {
  Turn turn(now);
  if (phase_ == Phase::stopped) return {};
  roll_.advance(now);
  broadcast_.set_gather_time(gather_time());
  std::visit([&](auto& kind) { on(std::move(kind), turn); }, input);
  if (phase_ != Phase::stopped) settle(turn);
  std::ranges::move(watch_.take_verdicts(), std::back_inserter(turn.verdicts));
  return outputs_of(std::move(turn));
}

/// The one place in which the phase changes.
void NodeParts::enter(Phase next) {
  STARLING_CHECK(may_follow(phase_, next));
  phase_ = next;
}

/// Brings all parts to rest: each step may cause the next, none runs twice for one cause.
void NodeParts::settle(Turn& turn) {
  follow_own_reach(turn);
  follow_neighbours(turn);
  give_up_lost(turn);
  begin_if_ready(turn);
  if (phase_ == Phase::training && trainer_->complete()) finish_training(turn);
  // It was away, and fetches the votes of the others: a merge is to wait for that.
  if (phase_ == Phase::waiting && told_finished_ != is_finished()) announce_presence(turn);
  if (may_propose()) propose_if_due(turn);
  contribute_if_settled(turn);
  while (!merge_requests_.empty() || !turn.announcements.empty()) {
    perform_merge_requests(turn);
    publish(turn);
    contribute_if_settled(turn);
  }
  if (merge_.failed() && phase_ == Phase::merging) leave_failed_merge(turn);
  if (memory_.is_due(turn.now)) turn.peers = memory_.take(turn.now);
  if (stop_at_ <= turn.now) leave_unless_needed(turn);
  choose_paths(turn);
}

/// Whoever is silent for good but still linked (we slept, say) may have payloads under way: its
/// edge goes with the link, or what arrives later would be counted at one end only.
void NodeParts::give_up_lost(Turn& turn) {
  for (const NodeId& node : roll_.take_lost()) lost_.insert(node);
  std::erase_if(lost_, [&](const NodeId& node) {
    if (roll_.present().contains(node)) return true;
    if (membership_.is_neighbour(node)) return false;
    trainer_->give_up(node, turn);
    return true;
  });
}

void NodeParts::follow_neighbours(Turn& turn) {
  for (const protocol::NeighbourChange& change : membership_.take_changes()) {
    if (change.up) {
      detector_.neighbour_up(change.peer, turn.now);
      broadcast_.neighbour_up(change.peer, turn.now);
      trainer_->neighbour_up(change.peer, turn);
      const auto record = membership_.find(change.peer);
      turn.events.emplace_back(PeerJoined{change.peer, record ? record->address : "",
                                          std::string(name_of(path_to(change.peer)))});
      contact_report_.reached();
      memory_.neighbour_up(record.value_or(protocol::PeerRecord{change.peer, {}}), turn.now);
      if (presence_at_ == Instant::never()) announce_presence(turn);
      expect_word_of_other_process(turn.now);
      if (presence_id_) broadcast_.introduce(*presence_id_, change.peer, turn.effects);
    } else {
      // A merge has use for links that are no neighbours any more.
      const bool is_watched = merge_.running() && links_.contains(change.peer);
      if (!is_watched) detector_.neighbour_down(change.peer);
      broadcast_.neighbour_down(change.peer);
      trainer_->neighbour_down(change.peer, turn);
      memory_.neighbour_down(change.peer);
      turn.events.emplace_back(
          PeerLost{change.peer, std::string(protocol::name_of(change.reason))});
    }
  }
  notice_isolation(turn);
}

/// Told once each time: at once when the last neighbour goes, and at the start when the first dials
/// should have led to one.
void NodeParts::notice_isolation(Turn& turn) {
  const bool is_isolated = membership_.isolated() && config_.nodes_expected > 1;
  if (!is_isolated) {
    isolated_at_ = Instant::never();
    is_isolation_told_ = false;
  } else if (isolated_at_ == Instant::never()) {
    isolated_at_ = turn.now;
  }
  if (!is_isolated || is_isolation_told_ || turn.now < isolation_told_at()) return;
  is_isolation_told_ = true;
  turn.events.emplace_back(Isolated{});
}

Instant NodeParts::isolation_told_at() const {
  if (is_isolation_told_ || isolated_at_ == Instant::never()) return Instant::never();
  const bool is_start = isolated_at_ == joining_since_;
  return is_start ? isolated_at_ + scaled(first_isolation_notice, config_.interval_scale)
                  : isolated_at_;
}

// --- Joining and training ---

/// On links so slow that the intervals are stretched everyone is heard of later.
Duration NodeParts::start_wait() const {
  return scaled(config_.start_wait, std::max(1.0, config_.interval_scale));
}

/// A node that comes back listens first: the others may be far ahead. Alone it goes on by itself.
bool NodeParts::has_heard_others(Instant now) const {
  return !roll_.present().empty() || now - joining_since_ >= 2 * presence_pause();
}

/// The highest of those that have said hello; nothing: none has, so that none trains yet. Word of
/// everybody's presence may take longer.
std::optional<Step> NodeParts::step_of_neighbours() const {
  std::optional<Step> highest;
  for (const auto& [peer, step] : begun_) {
    if (membership_.is_neighbour(peer)) highest = std::max(highest.value_or(0), step);
  }
  return highest;
}

void NodeParts::begin_if_ready(Turn& turn) {
  if (phase_ == Phase::catching_up) {
    std::vector<NodeId> donors = membership_.neighbours();
    std::erase_if(donors, [&](const NodeId& donor) {
      const RollEntry* entry = roll_.find(donor);
      const auto begun = begun_.find(donor);
      const Step told = begun == begun_.end() ? 0 : begun->second;
      return std::max(told, entry == nullptr ? 0 : entry->presence.step) == 0;
    });
    return catch_up_.ask(donors, turn);
  }
  if (phase_ != Phase::joining || may_be_copy(turn.now)) return;
  is_restored_ = false;  // it has been answered
  const bool all_here = roll_.present().size() + 1 >= config_.nodes_expected;
  const bool waited = turn.now - joining_since_ >= start_wait() && !membership_.isolated();
  const auto begun = step_of_neighbours();
  const Step ahead = std::max(roll_.highest_step(), begun.value_or(0));
  if (trainer_->needs_state() && ahead > restored_step_ + late_by_steps &&
      !membership_.isolated()) {
    enter(Phase::catching_up);
    begin_if_ready(turn);
  } else if (all_here || waited || begun || (restored_step_ > 0 && has_heard_others(turn.now))) {
    begin_training(restored_step_, turn);
  }
}

void NodeParts::begin_training(Step step, Turn& turn) {
  enter(Phase::training);
  evaluated_at_ = saved_at_ = step;
  trainer_->start(step, turn);
}

void NodeParts::finish_training(Turn& turn) {
  enter(Phase::waiting);
  const bool is_evaluated = quality_ && evaluated_at_ == trainer_->step();
  if (!is_evaluated && !trainer_->wants_evaluation()) trainer_->want_evaluation(turn);
  announce_presence(turn);
}

void NodeParts::leave(Turn& turn) {
  enter(Phase::leaving);
  turn.peers = memory_.take(turn.now);
  presence_announced_at_ = Instant::never();
  announce_presence(turn);
  publish(turn);
  broadcast_.flush(turn.effects);
  membership_.leave(turn.effects);
  for (const auto& [peer, path] : links_) {
    turn.effects.hang_up(peer, protocol::CloseReason::shutting_down);
  }
  enter(Phase::stopped);
  turn.events.emplace_back(Stopped{stop_reason_});
}

// --- Outputs ---

Instant NodeParts::next_deadline() const {
  return std::min({membership_.next_deadline(), detector_.next_deadline(), paths_.next_deadline(),
                   own_reach_.next_deadline(), relay_.next_deadline(), broadcast_.next_deadline(),
                   trainer_->next_deadline(), merge_.next_deadline(), catch_up_.next_deadline(),
                   memory_.next_deadline(), isolation_told_at(), watch_.next_deadline(),
                   presence_at_, stop_at_,
                   may_propose() ? policy_.next_deadline() : Instant::never(),
                   wanted_contribution_ ? contribute_by_ : Instant::never(),
                   phase_ == Phase::joining ? sole_process_known_at() : Instant::never()});
}

std::vector<Output> NodeParts::outputs_of(Turn&& turn) {
  std::vector<Output> outputs;
  for (const auto& [peer, reason] : turn.misconduct) {
    if (score_.report(peer, reason, turn.now) != protocol::Sanction::none) {
      turn.effects.hang_up(peer, protocol::CloseReason::misbehaviour);
    }
  }
  outputs.reserve(turn.vote_log.size() + turn.jobs.size() + turn.effects.items.size());
  // Durable before anyone is told: a process that forgot a vote it has sent would cast another one
  // with its number.
  for (Bytes& packet : turn.vote_log) outputs.emplace_back(AppendVotes{std::move(packet)});
  for (LearnerJob& job : turn.jobs) outputs.emplace_back(RunLearner{std::move(job)});
  if (turn.stores_state) outputs.emplace_back(StoreState{});
  for (protocol::Effect& effect : turn.effects.items) {
    if (auto* send = std::get_if<protocol::SendTo>(&effect)) {
      if (links_.contains(send->peer))
        outputs.emplace_back(Send{send->peer, std::move(send->message)});
    } else if (auto* dial = std::get_if<protocol::Dial>(&effect)) {
      outputs.emplace_back(Connect{std::move(dial->peer), dial->path, dial->via});
    } else if (auto* probe = std::get_if<protocol::ProbeAddress>(&effect)) {
      outputs.emplace_back(ProbeAddress{std::move(probe->peer), probe->nonce});
    } else if (const auto* hang_up = std::get_if<protocol::HangUp>(&effect)) {
      outputs.emplace_back(Disconnect{hang_up->peer, hang_up->reason});
    }
  }
  if (turn.peers) outputs.emplace_back(SavePeers{std::move(*turn.peers)});
  for (protocol::NewcomerVerdict& verdict : turn.verdicts) {
    if (verdict.is_admitted) {
      outputs.emplace_back(Admit{verdict.peer, verdict.incarnation});
    } else {
      outputs.emplace_back(Refuse{verdict.peer, verdict.incarnation, std::move(verdict.proof)});
    }
  }
  if (turn.checkpoint) outputs.emplace_back(SaveCheckpoint{std::move(*turn.checkpoint)});
  for (Event& event : turn.events) {
    if (const auto* merged = std::get_if<Merged>(&event))
      outputs.emplace_back(SaveMergedModel{merged->manifest});
    outputs.emplace_back(Notify{std::move(event)});
  }
  const Instant deadline = phase_ == Phase::stopped ? Instant::never() : next_deadline();
  if (deadline != timer_ && deadline != Instant::never()) {
    timer_ = deadline;
    outputs.emplace_back(StartTimer{deadline});
  }
  return outputs;
}

NodeStatus NodeParts::status(Instant now) const {
  static_cast<void>(now);
  NodeStatus status;
  status.self = config_.self.id;
  status.run = config_.run;
  status.step = trainer_->step();
  status.steps_total = config_.steps_total;
  status.loss = loss_;
  status.accuracy = quality_ ? quality_->accuracy : std::numeric_limits<double>::quiet_NaN();
  status.phase = name_of(phase_);
  status.relayed_bytes = relay_.relayed_bytes();
  status.reach = name_of(own_reach_.reach());
  status.nodes_present = roll_.present().size() + 1;
  status.nodes_seen = roll_.seen().size() + 1;
  status.quorum = policy_.needed(roll_);
  status.excluded = excluded_;
  const bool lacks_quorum = !policy_.has_quorum(roll_) && !policy_.accepts_partial();
  if (may_propose() && roll_.all_finished() && lacks_quorum) status.phase = "waiting_for_quorum";
  for (const NodeId& peer : membership_.neighbours()) {
    NeighbourStatus neighbour;
    neighbour.id = peer;
    neighbour.path = name_of(path_to(peer));
    if (const auto record = membership_.find(peer)) neighbour.address = record->address;
    if (const RollEntry* entry = roll_.find(peer)) neighbour.step = entry->presence.step;
    if (const auto time = detector_.round_trip(peer))
      neighbour.round_trip_ms = to_seconds(*time) * 1e3;
    status.neighbours.push_back(std::move(neighbour));
  }
  trainer_->fill(status);
  const protocol::RejectCounts& totals = score_.totals();
  for (std::size_t i = 0; i < totals.size(); ++i) {
    if (totals[i] > 0) status.rejected.emplace(protocol::reject_reason_names[i], totals[i]);
  }
  return status;
}

}  // namespace starling::node
