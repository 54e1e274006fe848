#include "protocol/overlay/path_book.h"

#include <algorithm>
#include <utility>

#include "protocol/limits.h"
#include "protocol/overlay/address_book.h"
#include "protocol/pace.h"

namespace starling::protocol {

namespace {

/// The attempts in their order; lan and mapped are ways of dialling.
constexpr std::array stages = {PathKind::direct, PathKind::reversed, PathKind::punched,
                               PathKind::relayed};

/// The first better path is sought after 32 s.
constexpr int first_upgrade_doublings = 5;

bool is_dialled(PathKind path) {
  return path == PathKind::direct || path == PathKind::mapped || path == PathKind::lan;
}

PathKind stage_after(PathKind stage) {
  if (stage == PathKind::unknown) return stages.front();
  const PathKind current = is_dialled(stage) ? PathKind::direct : stage;
  const auto* at = std::ranges::find(stages, current);
  return at + 1 == stages.end() ? PathKind::unknown : *(at + 1);
}

/// "Where it is seen" first, then where it says that it is; as much as one text may hold.
std::string joined(const std::string& seen, const std::string& known) {
  if (seen.empty() || known.empty() || seen == known) return seen.empty() ? known : seen;
  const bool fits = seen.size() + 1 + known.size() <= limits::address_characters_max &&
                    std::ranges::count(known, ',') < 2;
  return fits ? seen + "," + known : known;
}

}  // namespace

Duration PathBook::patience(Duration time) const {
  return scaled(time, interval_scale_);
}

// --- Seeking ---

void PathBook::want(const PeerRecord& peer, PathKind first, Reach reach, Instant now,
                    Effects& effects) {
  if (peer.id == self_ || searches_.contains(peer.id)) return;
  if (searches_.size() >= limits::dials_pending_max) {
    given_up_.push_back(peer);
    return;
  }
  const auto link = links_.find(peer.id);
  const bool is_upgrade = link != links_.end();
  if (is_upgrade && link->second.path != PathKind::relayed) return;
  const auto at =
      searches_
          .emplace(
              peer.id,
              Search{.peer = peer, .reach = reach, .is_upgrade = is_upgrade, .next_stage_at = now})
          .first;
  if (first == PathKind::lan && begin(at->second, PathKind::lan, now, effects)) return;
  next_stage(at, now, effects);
}

/// The next path that can be tried; without one the search ends.
void PathBook::next_stage(Searches::iterator at, Instant now, Effects& effects) {
  Search& search = at->second;
  for (PathKind stage = stage_after(search.stage); stage != PathKind::unknown;
       stage = stage_after(stage)) {
    if (begin(search, stage, now, effects)) return;
  }
  if (!search.is_upgrade) given_up_.push_back(search.peer);
  searches_.erase(at);
}

bool PathBook::is_due(const NodeId& peer, PathKind path, Instant now) const {
  const auto known = memory_.find(peer);
  return known == memory_.end() || known->second[static_cast<std::size_t>(path)].retry_at <= now;
}

bool PathBook::begin(Search& search, PathKind stage, Instant now, Effects& effects) {
  search.stage = stage;
  const NodeId& peer = search.peer.id;
  if (is_dialled(stage)) {
    if (stage == PathKind::direct && search.reach == Reach::mapped) search.stage = PathKind::mapped;
    if (!is_dialable(search.peer)) return false;
    // It is dialled whatever happened before, for it may have come back; but not waited for.
    const bool is_hopeful = is_due(peer, stage, now) && search.reach != Reach::behind_nat;
    search.next_stage_at =
        now + patience(is_hopeful ? limits::dial_patience : limits::dial_patience_least);
    effects.dial(search.peer, search.stage);
    return true;
  }
  if (stage == PathKind::reversed && own_reach_ == Reach::behind_nat) return false;
  if (stage == PathKind::relayed && search.is_upgrade) return false;
  if (stage != PathKind::relayed && !is_due(peer, stage, now)) return false;
  search.helpers = helpers_for(search);
  return ask_next(search, now, effects);
}

/// Linked with us without a relay. Whoever has helped before comes first.
std::vector<NodeId> PathBook::helpers_for(const Search& search) const {
  std::vector<NodeId> helpers;
  for (const auto& [id, link] : links_) {
    if (link.path != PathKind::relayed && id != search.peer.id) helpers.push_back(id);
  }
  if (search.willing) {
    const auto found = std::ranges::find(helpers, *search.willing);
    if (found != helpers.end()) std::swap(*found, helpers.front());
  }
  if (helpers.size() > limits::path_helpers_max) helpers.resize(limits::path_helpers_max);
  std::ranges::reverse(helpers);  // they are taken from the end
  return helpers;
}

/// False: nobody is left to ask.
bool PathBook::ask_next(Search& search, Instant now, Effects& effects) {
  if (search.helpers.empty()) return false;
  const NodeId helper = search.helpers.back();
  search.helpers.pop_back();
  search.helper = helper;
  search.asked_at = now;
  search.next_stage_at = now + patience(limits::rendezvous_patience);
  if (search.stage == PathKind::relayed) {
    effects.dial(search.peer, PathKind::relayed, helper);
    return true;
  }
  search.is_reversal_asked = true;
  const RendezvousStep step =
      search.stage == PathKind::reversed ? RendezvousStep::reverse : RendezvousStep::punch;
  effects.send(helper, Rendezvous{step, self_, search.peer.id, {}});
  return true;
}

void PathBook::failed(const NodeId& peer, PathKind path, Instant now, Effects& effects) {
  if (const auto promise = promises_.find(peer);
      promise != promises_.end() && (path == PathKind::reversed || path == PathKind::punched)) {
    if (path == PathKind::reversed) refuse(promise->second.via, peer, effects);
    promises_.erase(promise);
  }
  note_failure(peer, path, now);
  const auto found = searches_.find(peer);
  if (found == searches_.end() || found->second.stage != path) return;
  if (path == PathKind::relayed && ask_next(found->second, now, effects)) return;
  next_stage(found, now, effects);
}

void PathBook::note_failure(const NodeId& peer, PathKind path, Instant now) {
  if (!memory_.contains(peer) && memory_.size() >= limits::address_book_peers_max) {
    memory_.erase(memory_.begin());  // arbitrary, but the same in every replay
  }
  Attempts& attempts = memory_[peer][static_cast<std::size_t>(path)];
  attempts.retry_at =
      now + redial_delay(attempts.failures++, interval_scale_, limits::path_retry_max);
}

void PathBook::note_success(const NodeId& peer, PathKind path) {
  if (const auto known = memory_.find(peer); known != memory_.end()) {
    known->second[static_cast<std::size_t>(path)] = {};
  }
}

void PathBook::link_up(const NodeId& peer, PathKind path, const std::string& seen_at, Instant now) {
  links_[peer] = {.path = path, .seen_at = seen_at};
  note_success(peer, path);
  searches_.erase(peer);
  if (path != PathKind::relayed) {
    promises_.erase(peer);
    upgrades_.erase(peer);
    upgrades_tried_.erase(peer);
    return;
  }
  upgrades_[peer] = now + redial_delay(upgrades_tried_[peer]++ + first_upgrade_doublings,
                                       interval_scale_, limits::path_retry_max);
}

void PathBook::link_down(const NodeId& peer) {
  links_.erase(peer);
  upgrades_.erase(peer);
  if (upgrades_tried_.size() > limits::address_book_peers_max) upgrades_tried_.clear();
}

PathKind PathBook::path_of_accepted(const NodeId& peer) const {
  const auto search = searches_.find(peer);
  if (search != searches_.end()) {
    // What was asked for may come when the next path has begun already.
    if (!search->second.punch_at.empty()) return PathKind::punched;
    if (search->second.is_reversal_asked) return PathKind::reversed;
  }
  const auto promise = promises_.find(peer);
  const bool is_punch = promise != promises_.end() && promise->second.is_punch;
  return is_punch ? PathKind::punched : PathKind::direct;
}

std::vector<NodeId> PathBook::take_upgrades(Instant now) {
  std::vector<NodeId> due;
  for (auto& [peer, at] : upgrades_) {
    if (at > now) continue;
    due.push_back(peer);
    at = now + redial_delay(upgrades_tried_[peer]++ + first_upgrade_doublings, interval_scale_,
                            limits::path_retry_max);
  }
  return due;
}

std::vector<PeerRecord> PathBook::take_given_up() {
  return std::exchange(given_up_, {});
}

// --- Rendezvous ---

Handled PathBook::receive(const NodeId& from, const Rendezvous& message, const std::string& known,
                          Instant now, Effects& effects) {
  const auto link = links_.find(from);
  const bool is_usable = link != links_.end() && link->second.path != PathKind::relayed;
  if (!is_usable || message.origin == message.target) {
    return std::unexpected(RejectReason::unexpected);
  }
  if (message.target != self_) {
    if (message.origin != from) return std::unexpected(RejectReason::unexpected);
    pass_on(from, message, now, effects);
    return {};
  }
  if (message.origin == self_) return std::unexpected(RejectReason::unexpected);
  switch (message.step) {
    case RendezvousStep::reverse:
    case RendezvousStep::punch:
    case RendezvousStep::punch_now:
      on_request(from, message, known, now, effects);
      break;
    case RendezvousStep::punch_answer:
    case RendezvousStep::refused:
      on_answer(from, message, now, effects);
      break;
  }
  return {};
}

/// Between two peers of ours. Each learns the address at which we see the other, whatever the
/// other says: nobody can have a third party dialled.
void PathBook::pass_on(const NodeId& from, const Rendezvous& message, Instant now,
                       Effects& effects) {
  Link& sender = links_.at(from);
  const auto target = links_.find(message.target);
  const bool can_pass = target != links_.end() && target->second.path != PathKind::relayed &&
                        sender.rendezvous.take(now);
  if (!can_pass) {
    if (message.step == RendezvousStep::refused) return;
    effects.send(from, Rendezvous{RendezvousStep::refused, message.target, from, {}});
    return;
  }
  Rendezvous passed = message;
  passed.address = sender.seen_at;
  effects.send(message.target, std::move(passed));
}

void PathBook::on_request(const NodeId& from, const Rendezvous& message, const std::string& known,
                          Instant now, Effects& effects) {
  const NodeId& origin = message.origin;
  const auto link = links_.find(origin);
  if (link != links_.end() && link->second.path != PathKind::relayed) return;
  if (message.step == RendezvousStep::punch_now) {
    const auto promise = promises_.find(origin);
    if (promise == promises_.end() || !promise->second.is_punch) return;
    effects.dial({origin, promise->second.address}, PathKind::punched);
    return;
  }
  const bool is_punch = message.step == RendezvousStep::punch;
  const std::string address = is_punch ? message.address : joined(message.address, known);
  const bool has_room = promises_.contains(origin) || promises_.size() < limits::dials_pending_max;
  if (address.empty() || !has_room) return refuse(from, origin, effects);
  promises_[origin] = {.via = from,
                       .address = address,
                       .is_punch = is_punch,
                       .expires = now + patience(limits::promise_time_max)};
  if (is_punch) {
    effects.send(from, Rendezvous{RendezvousStep::punch_answer, self_, origin, {}});
  } else {
    effects.dial({origin, address}, PathKind::reversed);
  }
}

void PathBook::refuse(const NodeId& via, const NodeId& origin, Effects& effects) const {
  effects.send(via, Rendezvous{RendezvousStep::refused, self_, origin, {}});
}

void PathBook::on_answer(const NodeId& from, const Rendezvous& message, Instant now,
                         Effects& effects) {
  const auto found = searches_.find(message.origin);
  if (found == searches_.end() || found->second.helper != from) return;
  Search& search = found->second;
  if (search.stage != PathKind::reversed && search.stage != PathKind::punched) return;
  if (message.step == RendezvousStep::refused) {
    if (!ask_next(search, now, effects)) next_stage(found, now, effects);
    return;
  }
  search.willing = from;
  if (search.stage != PathKind::punched || message.address.empty()) return;
  // The other end hears of it after half the round trip, and dials then; so do we.
  search.punch_at = message.address;
  search.punch_due = now + (now - search.asked_at) / 2;
  search.next_stage_at = search.punch_due + patience(limits::punch_patience);
  effects.send(from, Rendezvous{RendezvousStep::punch_now, self_, message.origin, {}});
}

// --- Time ---

Instant PathBook::next_deadline() const {
  Instant earliest = Instant::never();
  for (const auto& [peer, search] : searches_) {
    earliest = std::min({earliest, search.next_stage_at, search.punch_due});
  }
  for (const auto& [peer, promise] : promises_) earliest = std::min(earliest, promise.expires);
  for (const auto& [peer, at] : upgrades_) earliest = std::min(earliest, at);
  return earliest;
}

void PathBook::tick(Instant now, Effects& effects) {
  std::erase_if(promises_, [now](const auto& entry) { return entry.second.expires <= now; });
  for (auto at = searches_.begin(); at != searches_.end();) {
    const auto current = at++;
    Search& search = current->second;
    if (search.punch_due <= now) {
      search.punch_due = Instant::never();
      effects.dial({search.peer.id, search.punch_at}, PathKind::punched);
    }
    if (search.next_stage_at > now) continue;
    if (!is_dialled(search.stage)) note_failure(search.peer.id, search.stage, now);
    const bool asks_on = search.stage == PathKind::relayed && ask_next(search, now, effects);
    if (!asks_on) next_stage(current, now, effects);
  }
}

}  // namespace starling::protocol
