#include "node/core/roll.h"

#include <algorithm>
#include <iterator>

#include "protocol/pace.h"

namespace starling::node {

namespace {

/// Memory bound against invented identities; far above any run that one node sees whole.
constexpr std::size_t roll_entries_max = 16'384;

/// Up to here everyone announces at the full rate: 64 nodes every 4 s are 16 messages a second and
/// link of the broadcast's tree. Our guess.
constexpr double nodes_at_full_rate = 64;

}  // namespace

double Roll::stretch() const {
  const std::size_t known = std::max<std::size_t>(options_.nodes_expected, present_.size() + 1);
  return std::max(1.0, static_cast<double>(known) / nodes_at_full_rate);
}

std::vector<NodeId> Roll::take_older(ByAge& queue, Instant limit) {
  std::vector<NodeId> older;
  while (!queue.empty() && queue.begin()->first < limit) {
    older.push_back(queue.begin()->second);
    queue.erase(queue.begin());
  }
  return older;
}

void Roll::advance(Instant now) {
  const double factor = stretch();
  const Duration patience = protocol::scaled(options_.patience, factor);
  for (const NodeId& node : take_older(present_by_age_, now + -patience)) {
    RollEntry& entry = entries_.at(node);
    depart(node, entry);
    changed_at_ = now;
    silent_by_age_.emplace(entry.heard_at, node);
  }
  const Duration gone_after = protocol::scaled(options_.gone_after, factor);
  std::ranges::move(take_older(silent_by_age_, now + -gone_after), std::back_inserter(lost_));
}

void Roll::arrive(const NodeId& node, RollEntry& entry) {
  entry.is_present = true;
  present_.insert(node);
  present_by_age_.emplace(entry.heard_at, node);
  ++steps_[entry.presence.step];
  unfinished_ += entry.presence.finished ? 0 : 1;
}

void Roll::depart(const NodeId& node, RollEntry& entry) {
  entry.is_present = false;
  present_.erase(node);
  present_by_age_.erase({entry.heard_at, node});
  const auto at_step = steps_.find(entry.presence.step);
  if (--at_step->second == 0) steps_.erase(at_step);
  unfinished_ -= entry.presence.finished ? 0 : 1;
}

void Roll::remember(const NodeId& node) {
  if (seen_.size() < roll_entries_max) seen_.insert(node);
}

bool Roll::heard(const NodeId& node, const protocol::Presence& presence, Instant now) {
  if (!entries_.contains(node) && entries_.size() >= roll_entries_max) return false;
  RollEntry& entry = entries_[node];
  remember(node);
  const bool was_present = entry.is_present;
  // Broadcasts may overtake each other: a process that has left does not come back.
  if (entry.presence.leaving && entry.presence.incarnation == presence.incarnation &&
      !presence.leaving) {
    return false;
  }
  // An older word of the same process is no news.
  if (was_present && entry.presence.incarnation == presence.incarnation &&
      presence.step < entry.presence.step) {
    return false;
  }
  if (was_present) depart(node, entry);
  const bool was_silent = silent_by_age_.erase({entry.heard_at, node}) > 0;
  entry.presence = presence;
  entry.heard_at = now;
  if (was_present == presence.leaving) changed_at_ = now;
  if (!presence.leaving) {
    arrive(node, entry);
  } else if (was_present || was_silent) {
    lost_.push_back(node);
  }
  return !was_present;
}

void Roll::said_farewell(const NodeId& node, Instant now) {
  const RollEntry* entry = find(node);
  if (entry == nullptr || entry->presence.leaving) return;
  protocol::Presence last = entry->presence;
  last.leaving = true;
  static_cast<void>(heard(node, last, now));
}

const RollEntry* Roll::find(const NodeId& node) const {
  const auto found = entries_.find(node);
  return found == entries_.end() ? nullptr : &found->second;
}

}  // namespace starling::node
