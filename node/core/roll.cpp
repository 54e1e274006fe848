#include "node/core/roll.h"

#include <algorithm>

namespace starling::node {

namespace {

/// Memory bound against invented identities; far above any run that one node sees whole.
constexpr std::size_t roll_entries_max = 16'384;

}  // namespace

bool Roll::counts(const RollEntry& entry, Instant now) const {
  return !entry.presence.leaving && now - entry.heard_at <= patience_;
}

bool Roll::heard(const NodeId& node, const protocol::Presence& presence, Instant now) {
  const auto found = entries_.find(node);
  if (found == entries_.end() && entries_.size() >= roll_entries_max) return false;
  const bool was_known = found != entries_.end() && counts(found->second, now);
  // Broadcasts may overtake each other: an older word of the same process is no news.
  if (was_known && found->second.presence.incarnation == presence.incarnation &&
      presence.step < found->second.presence.step) {
    return false;
  }
  entries_.insert_or_assign(node, RollEntry{presence, now});
  lost_.erase(node);
  return !was_known;
}

std::vector<NodeId> Roll::present(Instant now) const {
  std::vector<NodeId> nodes;
  for (const auto& [node, entry] : entries_) {
    if (counts(entry, now)) nodes.push_back(node);
  }
  return nodes;
}

bool Roll::is_present(const NodeId& node, Instant now) const {
  const RollEntry* entry = find(node);
  return entry != nullptr && counts(*entry, now);
}

std::vector<NodeId> Roll::take_lost(Duration silence, Instant now) {
  std::vector<NodeId> gone;
  for (const auto& [node, entry] : entries_) {
    const bool silent = entry.presence.leaving || now - entry.heard_at > silence;
    if (silent && lost_.insert(node).second) gone.push_back(node);
  }
  return gone;
}

const RollEntry* Roll::find(const NodeId& node) const {
  const auto found = entries_.find(node);
  return found == entries_.end() ? nullptr : &found->second;
}

bool Roll::all_finished(Instant now) const {
  return std::ranges::all_of(entries_, [&](const auto& entry) {
    return !counts(entry.second, now) || entry.second.presence.finished;
  });
}

Step Roll::highest_step(Instant now) const {
  Step highest = 0;
  for (const auto& [node, entry] : entries_) {
    if (counts(entry, now)) highest = std::max(highest, entry.presence.step);
  }
  return highest;
}

}  // namespace starling::node
