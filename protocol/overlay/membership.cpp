#include "protocol/overlay/membership.h"

#include <algorithm>
#include <span>
#include <utility>

#include "protocol/limits.h"
#include "protocol/pace.h"

namespace starling::protocol {

namespace {

bool contains(const std::vector<PeerRecord>& records, const NodeId& id) {
  return std::ranges::find(records, id, &PeerRecord::id) != records.end();
}

}  // namespace

Membership::Membership(MembershipOptions options)
    : options_(std::move(options)),
      rng_(options_.seed),
      book_(options_.interval_scale),
      contacts_(options_.interval_scale) {
  if (!options_.pinned) return;
  for (const PeerRecord& peer : *options_.pinned) remember(peer);
}

void Membership::start(const std::vector<PeerRecord>& contacts, Instant now, Effects& effects) {
  for (const PeerRecord& contact : contacts) {
    if (contact.id != NodeId{}) {
      // The first of them are the neighbours of before: tried first.
      passive_.size() < limits::active_view_peers_max ? learn(contact) : remember(contact);
    } else if (contact.address != options_.self.address) {
      contacts_.add(contact.address, now);
    }
  }
  for (const PeerRecord& peer : book_.all()) yield_dialling(peer.id, now);
  refill_at_ = now;
  shuffle_at_ = now + scaled_interval(limits::shuffle_interval_thin);
  // Anywhere in the interval, or a swarm started together would exchange its edges together.
  probe_at_ = now + scaled(scaled_interval(limits::probe_interval), rng_.uniform());
  tick(now, effects);
}

// --- Links ---

void Membership::link_up(const PeerRecord& peer, bool dialled_by_us, Instant now,
                         Effects& effects) {
  if (peer.id == options_.self.id) {  // a contact that turns out to be this very node
    contacts_.remove(peer.address);
    effects.hang_up(peer.id, CloseReason::normal);
    return;
  }
  if (!links_.contains(peer.id) && links_.size() >= limits::links_max && !drop_joined(effects)) {
    effects.hang_up(peer.id, CloseReason::too_many_links);
    return;
  }
  Link& link = links_[peer.id];
  link.record = peer;
  link.dialled_by_us = dialled_by_us;
  if (link.standing == Standing::stranger) {
    link.expires = now + scaled_interval(limits::stranger_link_time_max);
  }
  if (dialled_by_us) note_answer(peer, now);
  if (is_pinned(peer.id)) promote(peer.id);
  const auto dial = dialling_.extract(peer.id);
  if (!dial.empty()) {
    greet(peer.id, dial.mapped().greeting, now, effects);
  } else if (dialled_by_us && isolated()) {
    greet(peer.id, Join{options_.self}, now, effects);  // a contact whose name was not known
  }
}

void Membership::link_down(const NodeId& peer, CloseReason reason, Instant now, Effects& effects) {
  const auto found = links_.find(peer);
  if (found == links_.end()) return;
  const bool is_replaced =
      reason == CloseReason::duplicate_link && found->second.standing == Standing::neighbour;
  if (is_replaced) {  // the link that stays is about to show, and makes it a neighbour again
    dialling_[peer] = {.greeting = courtship(true),
                       .expires = now + scaled_interval(limits::neighbour_reply_time_max)};
  }
  demote(peer, reason);
  links_.erase(found);
  book_.linked(peer, now);
  if (reason != CloseReason::normal && reason != CloseReason::duplicate_link) {
    drop_passive(peer);
    book_.dial_failed(peer, now);
  }
  yield_dialling(peer, now);
  // A closed link is news at once; of two links the other end keeps one, which is about to show.
  if (reason != CloseReason::duplicate_link) refill(now, effects);
}

void Membership::dial_failed(const PeerRecord& record, Instant now, Effects& effects) {
  if (links_.contains(record.id)) return;  // it dialled us in the meantime
  if (record.id == NodeId{}) contacts_.dial_failed(record.address, now);
  dialling_.erase(record.id);
  drop_passive(record.id);
  book_.dial_failed(record.id, now);
  refill(now, effects);
}

void Membership::lan_contact(const PeerRecord& contact, Instant now, Effects& effects) {
  const bool is_named = contact.id != NodeId{};
  const bool is_wanted = is_named ? neighbour_count() < limits::active_view_peers_refill &&
                                        !links_.contains(contact.id) &&
                                        (!options_.pinned || is_pinned(contact.id))
                                  : isolated();
  if (refill_at_ == Instant::never() || !is_wanted) return;
  if (!is_named) return effects.dial(contact, PathKind::lan);
  book_.remember(contact, AddressBook::Source::hearsay);
  if (book_.is_due(contact.id, now)) {
    dial(contact, PathKind::lan, courtship(true), now, effects);
  }
}

// --- Time ---

Instant Membership::next_deadline() const {
  Instant earliest = std::min({refill_at_, shuffle_at_, probe_at_});
  for (const auto& [peer, link] : links_) {
    const bool can_expire =
        link.standing == Standing::asked || (link.standing == Standing::stranger && !holds_links_);
    if (can_expire) earliest = std::min(earliest, link.expires);
  }
  return earliest;
}

void Membership::tick(Instant now, Effects& effects) {
  expire_links(now, effects);
  std::erase_if(dialling_, [now](const auto& dial) { return dial.second.expires <= now; });
  if (refill_at_ <= now) {
    refill_at_ = now + scaled_interval(limits::refill_interval);
    refill(now, effects);
  }
  if (shuffle_at_ <= now) shuffle(now, effects);
  if (probe_at_ <= now) probe(now, effects);
}

void Membership::leave(Effects& effects) const {
  for (const NodeId& neighbour : neighbours()) effects.send(neighbour, LeaveView{.alive = false});
}

// --- Questions ---

void Membership::remember(const PeerRecord& record, AddressBook::Source source) {
  if (record.id != options_.self.id) book_.remember(record, source);
}

std::vector<NeighbourChange> Membership::take_changes() {
  return std::exchange(changes_, {});
}

std::vector<NodeId> Membership::neighbours() const {
  std::vector<NodeId> ids;
  for (const auto& [id, link] : links_) {
    if (link.standing == Standing::neighbour) ids.push_back(id);
  }
  return ids;
}

bool Membership::is_neighbour(const NodeId& peer) const {
  const auto found = links_.find(peer);
  return found != links_.end() && found->second.standing == Standing::neighbour;
}

std::optional<PeerRecord> Membership::find(const NodeId& peer) const {
  return book_.find(peer);
}

std::size_t Membership::neighbour_count() const {
  return static_cast<std::size_t>(std::count_if(
      links_.begin(), links_.end(),
      [](const auto& entry) { return entry.second.standing == Standing::neighbour; }));
}

bool Membership::mostly_dialled_by_others() const {
  const auto own = std::count_if(links_.begin(), links_.end(), [](const auto& entry) {
    return entry.second.standing == Standing::neighbour && entry.second.dialled_by_us;
  });
  return static_cast<std::size_t>(own) * 2 < neighbour_count();
}

std::size_t Membership::courted_count() const {
  const auto asked = std::count_if(links_.begin(), links_.end(), [](const auto& entry) {
    return entry.second.standing == Standing::asked;
  });
  const auto dialled = std::count_if(dialling_.begin(), dialling_.end(), [](const auto& dial) {
    return !std::holds_alternative<ShuffleReply>(dial.second.greeting);
  });
  return static_cast<std::size_t>(asked + dialled);
}

bool Membership::is_pinned(const NodeId& peer) const {
  return options_.pinned && contains(*options_.pinned, peer);
}

bool Membership::admits(const NodeId& peer, bool high_priority) const {
  if (options_.pinned) return is_pinned(peer);
  return high_priority || neighbour_count() < limits::active_view_peers_max;
}

Duration Membership::scaled_interval(Duration interval) const {
  return scaled(interval, options_.interval_scale);
}

std::vector<PeerRecord> Membership::candidates(Instant now) const {
  const auto is_free = [&](const PeerRecord& record) {
    const auto link = links_.find(record.id);
    const bool is_stranger = link == links_.end() || link->second.standing == Standing::stranger;
    return is_stranger && !dialling_.contains(record.id) && book_.is_due(record.id, now);
  };
  std::vector<PeerRecord> free;
  std::copy_if(passive_.begin(), passive_.end(), std::back_inserter(free), is_free);
  if (!free.empty() || neighbour_count() >= limits::active_view_peers_refill) return free;
  // Without replacements at hand, everyone ever heard of will do.
  const std::vector<PeerRecord> due = book_.due(now);
  std::copy_if(due.begin(), due.end(), std::back_inserter(free), is_free);
  return free;
}

std::optional<NodeId> Membership::random_neighbour(const std::vector<NodeId>& except) {
  std::vector<NodeId> ids = neighbours();
  std::erase_if(ids, [&except](const NodeId& id) {
    return std::find(except.begin(), except.end(), id) != except.end();
  });
  if (ids.empty()) return std::nullopt;
  return ids[rng_.below(ids.size())];
}

std::vector<PeerRecord> Membership::shuffle_sample() {
  std::vector<PeerRecord> sample = passive_;
  for (const auto& [id, link] : links_) {
    if (link.standing == Standing::neighbour && is_dialable(link.record)) {
      sample.push_back(link.record);
    }
  }
  rng_.shuffle(std::span(sample));
  sample.resize(std::min(sample.size(), limits::shuffle_peers_max));
  return sample;
}

// --- Becoming neighbours ---

void Membership::reach(const PeerRecord& peer, Message greeting, Instant now, Effects& effects) {
  if (links_.contains(peer.id)) {
    greet(peer.id, std::move(greeting), now, effects);
    return;
  }
  dial(book_.find(peer.id).value_or(peer), PathKind::unknown, std::move(greeting), now, effects);
}

void Membership::dial(const PeerRecord& peer, PathKind path, Message greeting, Instant now,
                      Effects& effects) {
  const bool may_dial = is_dialable(peer) && peer.id != options_.self.id &&
                        !dialling_.contains(peer.id) &&
                        dialling_.size() < limits::dials_pending_max;
  if (!may_dial) return;
  dialling_[peer.id] = {.greeting = std::move(greeting),
                        .expires = now + scaled_interval(limits::path_search_time_max)};
  effects.dial(peer, path);
}

void Membership::greet(const NodeId& peer, Message greeting, Instant now, Effects& effects) {
  Link& link = links_.at(peer);
  const bool asks = !std::holds_alternative<ShuffleReply>(greeting);
  if (asks && link.standing == Standing::neighbour) return;
  if (asks) {
    link.standing = Standing::asked;
    link.expires = now + scaled_interval(limits::neighbour_reply_time_max);
  }
  effects.send(peer, std::move(greeting));
}

void Membership::court(const PeerRecord& peer, bool high_priority, Instant now, Effects& effects) {
  reach(peer, courtship(high_priority), now, effects);
}

/// A node that has lost everyone joins anew, so that the swarm hears of it.
Message Membership::courtship(bool high_priority) const {
  if (isolated()) return Join{options_.self};
  return NeighbourRequest{.sender = options_.self, .high_priority = high_priority};
}

void Membership::note_answer(const PeerRecord& peer, Instant now) {
  learn(peer);
  book_.remember(peer, AddressBook::Source::first_hand);
  book_.answered(peer.id, now);
  contacts_.answered(peer.address);
}

void Membership::introduce(const PeerRecord& sender) {
  if (!is_dialable(sender)) return;
  links_.at(sender.id).record = sender;
  book_.remember(sender, AddressBook::Source::first_hand);
}

void Membership::answer_request(const NodeId& from, bool high_priority, Instant now,
                                Effects& effects) {
  const bool accepted = is_neighbour(from) || admits(from, high_priority);
  effects.send(from, NeighbourReply{accepted});
  if (!accepted || is_neighbour(from)) return;
  make_room(now, effects);
  promote(from);
}

void Membership::promote(const NodeId& peer) {
  Link& link = links_.at(peer);
  if (link.standing == Standing::neighbour) return;
  link.standing = Standing::neighbour;
  drop_passive(peer);
  changes_.push_back({.peer = peer, .up = true});
}

void Membership::demote(const NodeId& peer, CloseReason reason) {
  Link& link = links_.at(peer);
  if (std::exchange(link.standing, Standing::stranger) != Standing::neighbour) return;
  changes_.push_back({.peer = peer, .up = false, .reason = reason});
}

void Membership::make_room(Instant now, Effects& effects) {
  const bool has_room = neighbour_count() < limits::active_view_peers_max;
  if (options_.pinned || has_room || holds_links_) return;
  // At least half of the links are to be dialled by us: an attacker can only dial (PROTOCOL 8).
  std::vector<NodeId> victims = neighbours();
  if (mostly_dialled_by_others()) {
    std::erase_if(victims, [this](const NodeId& id) { return links_.at(id).dialled_by_us; });
  }
  const NodeId victim = victims[rng_.below(victims.size())];
  effects.send(victim, LeaveView{});
  demote(victim, CloseReason::normal);
  Link& link = links_.at(victim);
  link.expires = now + scaled_interval(limits::stranger_link_time_max);
  learn(link.record);
}

/// The contact that a ticket names is called by the whole swarm at once: the links of those who
/// have joined through it make room. False: there is none.
bool Membership::drop_joined(Effects& effects) {
  const auto joined = std::ranges::find_if(links_, [](const auto& entry) {
    return entry.second.standing == Standing::stranger && entry.second.has_joined;
  });
  if (holds_links_ || joined == links_.end()) return false;
  effects.hang_up(joined->first, CloseReason::normal);
  links_.erase(joined);
  return true;
}

void Membership::learn(const PeerRecord& record) {
  if (!is_dialable(record) || record.id == options_.self.id) return;
  book_.remember(record, AddressBook::Source::hearsay);
  if (is_neighbour(record.id) || contains(passive_, record.id)) return;
  if (passive_.size() < limits::passive_view_peers_max) {
    passive_.push_back(record);
  } else {
    passive_[rng_.below(passive_.size())] = record;
  }
}

void Membership::learn_all(const std::vector<PeerRecord>& records) {
  for (const PeerRecord& record : records) learn(record);
}

void Membership::drop_passive(const NodeId& peer) {
  std::erase_if(passive_, [&peer](const PeerRecord& record) { return record.id == peer; });
}

}  // namespace starling::protocol
