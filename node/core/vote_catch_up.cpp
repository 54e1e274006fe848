#include "node/core/vote_catch_up.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "node/core/trainer.h"
#include "protocol/limits.h"

namespace starling::node {

namespace {

using namespace std::chrono_literals;

// Our guesses; times before interval_scale.
/// Fewer are fetched without ado: they come in one round trip, or are on their way to everyone.
constexpr std::uint64_t packets_missing_min = protocol::limits::vote_request_packets_max;
constexpr std::uint64_t packets_missing_per_author_min = 8;
/// It looks at every author of every neighbour: not at each vector.
constexpr Duration considering_interval = 1s;
constexpr Duration offer_time_max = 1s;
constexpr Duration sample_time_max = 2s;
/// Without a packet that was missing, until others are asked for it, and then until the rest is
/// given up: a neighbour may tell of more than there is. Not shorter where intervals are: a link
/// that is full is so at any pace.
constexpr Duration stall_time_max = 10s;
/// Between rounds of asking: neighbours that are about to save the same snapshot have done it then.
constexpr Duration asking_interval = 500ms;
/// Neighbours on their word: as many as that have to name a snapshot's digest, where there are.
constexpr std::size_t vouchers_min = 2;
/// Rounds of asking, until any way is good that is possible.
constexpr int rounds_max = 6;
/// A range that arrives with its offer tells no more than that the link is at least this fast.
constexpr Duration transfer_time_min = 50us;

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

}  // namespace

VoteCatchUp::VoteCatchUp(const Config& config, protocol::LedgerSync& ledger)
    : config_(config), ledger_(ledger) {
  ledger_.pause_fetching();
}

Duration VoteCatchUp::scaled_time(Duration time) const {
  return scaled(time, config_.interval_scale);
}

void VoteCatchUp::consider(Turn& turn) {
  if (active()) return;
  const std::size_t authors = ledger_.told().size();
  if (authors > 0) due_at_ = turn.now + scaled_time(considering_interval);
  if (ledger_.packets_missing() <=
      packets_given_up_ + std::max(packets_missing_min, authors * packets_missing_per_author_min)) {
    ledger_.fetch_from(std::nullopt, turn.now, turn.effects);
    return;
  }
  ledger_.pause_fetching();
  lacks_most_ = ledger_.packets_missing() > 2 * ledger_.packets_held();
  rounds_ = 0;
  failed_.clear();
  packet_s_ = download_bytes_per_s_ = unknown;
  ask(turn);
}

void VoteCatchUp::ask(Turn& turn) {
  stage_ = Stage::asking;
  deadline_ = turn.now + scaled_time(offer_time_max);
  request_ += 1;
  rounds_ += 1;
  offers_.clear();
  for (const NodeId& peer : ledger_.neighbours()) {
    offers_.emplace(peer, std::nullopt);
    turn.effects.send(peer, protocol::StateQuery{request_});
  }
}

void VoteCatchUp::receive(const NodeId& peer, const protocol::StateOffer& offer, Turn& turn) {
  const auto asked = offers_.find(peer);
  if (asked == offers_.end() || offer.request != request_) return;
  asked->second = offer;
  if (stage_ == Stage::sampling && peer == sample_.peer) sample_.offered_at = turn.now;
  const auto has_answered = [](const auto& entry) { return entry.second.has_value(); };
  if (stage_ == Stage::asking && std::ranges::all_of(offers_, has_answered)) sample(turn);
}

/// Once is enough; without a neighbour that has all packets there is nothing to sample.
void VoteCatchUp::sample(Turn& turn) {
  const std::set<NodeId> sources = whole_ledgers();
  if (!std::isnan(packet_s_) || sources.empty()) return choose(turn);
  sample_ = {.peer = *sources.begin(), .asked_at = turn.now};
  stage_ = Stage::sampling;
  deadline_ = turn.now + scaled_time(sample_time_max);
  turn.effects.send(sample_.peer, protocol::StateQuery{request_});
  if (!ledger_.fetch_one_from(sample_.peer, turn.now, turn.effects)) choose(turn);
}

void VoteCatchUp::receive(const NodeId& peer, const protocol::VoteRange& range, Turn& turn) {
  const bool is_sample = stage_ == Stage::sampling && peer == sample_.peer &&
                         sample_.offered_at != Instant::never() && sample_.packets == 0;
  if (stage_ == Stage::replaying) renew_stall(turn.now);
  if (!is_sample) return;
  sample_.came_at = turn.now;
  sample_.packets = range.packets.size();
  for (const Bytes& packet : range.packets) sample_.bytes += packet.size();
}

void VoteCatchUp::applied(Step step, Turn& turn) {
  newest_step_ = step;
  if (stage_ == Stage::sampling && sample_.packets > 0) {
    const auto packets = static_cast<double>(sample_.packets);
    const Duration transfer = std::max(transfer_time_min, sample_.came_at - sample_.offered_at);
    download_bytes_per_s_ = static_cast<double>(sample_.bytes) / to_seconds(transfer);
    packet_s_ = to_seconds(turn.now - sample_.came_at) / packets;
    choose(turn);
  } else if (stage_ == Stage::replaying && ledger_.contains(target_)) {
    finish(turn);
  }
}

std::set<NodeId> VoteCatchUp::whole_ledgers() const {
  std::set<NodeId> sources;
  for (const auto& [peer, offer] : offers_) {
    if (offer && offer->has_whole_ledger) sources.insert(peer);
  }
  return sources;
}

/// The newest snapshot that enough neighbours name.
std::optional<VoteCatchUp::Candidate> VoteCatchUp::vouched_snapshot() const {
  std::map<Digest, Candidate> candidates;
  std::size_t givers = 0;
  for (const auto& [peer, offer] : offers_) {
    if (!offer || offer->bytes == 0) continue;
    givers += 1;
    Candidate& candidate = candidates[offer->state];
    candidate.offer = *offer;
    candidate.vouchers.push_back(peer);
  }
  std::optional<Candidate> newest;
  for (auto& [digest, candidate] : candidates) {
    if (candidate.vouchers.size() < std::min(vouchers_min, givers)) continue;
    if (newest && newest->offer.step >= candidate.offer.step) continue;
    newest = std::move(candidate);
    newest->givers = givers;
  }
  return newest;
}

CatchUpFacts VoteCatchUp::facts(const std::optional<Candidate>& snapshot) const {
  CatchUpFacts facts{
      .has_whole_ledger = !whole_ledgers().empty(),
      .packets_missing = ledger_.packets_missing(),
      .packets_held = ledger_.packets_held(),
      .packet_bytes = static_cast<double>(sample_.bytes) / static_cast<double>(sample_.packets),
      .packet_s = packet_s_,
      .download_bytes_per_s = download_bytes_per_s_,
      .round_trip_s = to_seconds(sample_.offered_at - sample_.asked_at),
      .snapshot_bytes = std::nullopt};
  if (snapshot) {
    facts.snapshot_bytes = snapshot->offer.bytes;
    facts.snapshot_packets = snapshot->offer.packets;
  }
  return facts;
}

void VoteCatchUp::choose(Turn& turn) {
  const bool is_late = rounds_ >= rounds_max;
  const CatchUpMode mode = is_late ? CatchUpMode::automatic : config_.catch_up;
  auto snapshot = vouched_snapshot();
  const auto plan = plan_catch_up(facts(snapshot), mode);
  const bool waits_for_vouchers = !snapshot && !is_late && mode != CatchUpMode::replay &&
                                  std::ranges::any_of(offers_, [](const auto& entry) {
                                    return entry.second && entry.second->bytes > 0;
                                  });
  if (!plan || waits_for_vouchers) return ask_later(turn);
  plan_ = *plan;
  chosen_at_ = turn.now;
  target_ = ledger_.told();
  candidate_ = std::move(snapshot);
  if (plan_.method == CatchUpMethod::snapshot) return fetch_snapshot(turn);
  // Whoever took a snapshot lacks packets that it counts. But its own it has.
  const std::set<NodeId> whole = whole_ledgers();
  replay(ledger_.is_told_by(whole, target_) ? std::optional(whole) : std::nullopt, turn);
}

void VoteCatchUp::ask_later(Turn& turn) {
  if (rounds_ == rounds_max) {
    turn.events.emplace_back(Warned{
        "no neighbour has the whole ledger, or a snapshot that others vouch for; asking on"});
  }
  stage_ = Stage::asking;
  deadline_ = turn.now + scaled_time(asking_interval);
  offers_.clear();
}

void VoteCatchUp::fetch_snapshot(Turn& turn) {
  const auto donor = std::ranges::find_if(
      candidate_->vouchers, [this](const NodeId& peer) { return !failed_.contains(peer); });
  if (donor == candidate_->vouchers.end()) {
    turn.events.emplace_back(Warned{"none of " + std::to_string(failed_.size()) +
                                    " neighbours gave the snapshot of step " +
                                    std::to_string(candidate_->offer.step) + "; asking on"});
    failed_.clear();
    return ask_later(turn);
  }
  donor_ = *donor;
  stage_ = Stage::fetching;
  request_ += 1;
  deadline_ = turn.now + scaled_time(protocol::limits::state_time_max);
  turn.effects.send(donor_, protocol::StateRequest{request_});
}

void VoteCatchUp::receive(const NodeId& peer, const protocol::StateUnavailable& answer,
                          Turn& turn) {
  if (stage_ != Stage::fetching || peer != donor_ || answer.request != request_) return;
  failed_.insert(peer);
  fetch_snapshot(turn);
}

std::optional<LoadStateJob> VoteCatchUp::receive(const NodeId& peer, protocol::Bulk&& state) {
  if (stage_ != Stage::fetching || peer != donor_ || state.number != request_) return std::nullopt;
  stage_ = Stage::loading;
  deadline_ = Instant::never();
  return LoadStateJob{std::move(state.data), candidate_->offer.state};
}

void VoteCatchUp::progressed(const BulkProgressed& progress, Instant now) {
  const bool is_awaited =
      stage_ == Stage::fetching && progress.peer == donor_ && progress.number == request_;
  if (is_awaited) deadline_ = now + scaled_time(protocol::limits::state_time_max);
}

void VoteCatchUp::loaded(bool is_good, Turn& turn) {
  if (stage_ != Stage::loading) return;
  if (!is_good) {
    failed_.insert(donor_);
    return fetch_snapshot(turn);
  }
  if (candidate_->givers < vouchers_min) {
    turn.events.emplace_back(Warned{"the snapshot of step " +
                                    std::to_string(candidate_->offer.step) +
                                    " was taken on the word of one neighbour, the only one there"});
  }
  replay(std::nullopt, turn);
}

void VoteCatchUp::replay(std::optional<std::set<NodeId>> sources, Turn& turn) {
  stage_ = Stage::replaying;
  has_asked_all_ = !sources;
  target_missing_ = ledger_.packets_missing(target_);
  deadline_ = turn.now + stall_time();
  ledger_.fetch_from(std::move(sources), turn.now, turn.effects);
}

Duration VoteCatchUp::stall_time() const {
  return std::max(stall_time_max, scaled_time(stall_time_max));
}

/// Votes that are cast just now come all the while, and tell nothing of those that are missing.
void VoteCatchUp::renew_stall(Instant now) {
  const std::uint64_t missing = ledger_.packets_missing(target_);
  if (missing >= target_missing_) return;
  target_missing_ = missing;
  deadline_ = now + stall_time();
}

/// Whoever had the whole ledger when it was asked may have taken a snapshot since, and have the
/// packets no more: any neighbour may have some of them.
void VoteCatchUp::stalled(Turn& turn) {
  if (!std::exchange(has_asked_all_, true)) {
    deadline_ = turn.now + stall_time();
    return ledger_.fetch_from(std::nullopt, turn.now, turn.effects);
  }
  packets_given_up_ = ledger_.packets_missing();
  turn.events.emplace_back(Warned{std::to_string(packets_given_up_) +
                                  " packets of votes that neighbours tell of did not come"});
  finish(turn);
}

void VoteCatchUp::finish(Turn& turn) {
  due_at_ = turn.now + scaled_time(considering_interval);
  stage_ = Stage::idle;
  deadline_ = Instant::never();
  ledger_.fetch_from(std::nullopt, turn.now, turn.effects);
  result_ = CaughtUp{.step = newest_step_,
                     .method = std::string(name_of(plan_.method)),
                     .seconds = to_seconds(turn.now - chosen_at_),
                     .replay_s = plan_.replay_s,
                     .snapshot_s = plan_.snapshot_s};
  turn.events.emplace_back(*result_);
}

void VoteCatchUp::neighbour_down(const NodeId& peer, Turn& turn) {
  offers_.erase(peer);
  if (!active()) return;
  if (ledger_.neighbours().empty()) {  // the next one's vector begins anew
    stage_ = Stage::idle;
    deadline_ = Instant::never();
    ledger_.pause_fetching();
  } else if (stage_ == Stage::replaying) {
    ledger_.fetch_from(std::nullopt, turn.now, turn.effects);
  } else if (stage_ == Stage::fetching && peer == donor_) {
    failed_.insert(peer);
    fetch_snapshot(turn);
  }
}

void VoteCatchUp::tick(Turn& turn) {
  if (turn.now < deadline_) return;
  if (stage_ == Stage::asking) {
    offers_.empty() ? ask(turn) : sample(turn);
  } else if (stage_ == Stage::sampling) {
    choose(turn);
  } else if (stage_ == Stage::fetching) {
    failed_.insert(donor_);
    fetch_snapshot(turn);
  } else if (stage_ == Stage::replaying) {
    stalled(turn);
  }
}

}  // namespace starling::node
