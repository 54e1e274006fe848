#include "protocol/overlay/address_book.h"

#include <algorithm>

#include "protocol/limits.h"
#include "protocol/pace.h"

namespace starling::protocol {

bool is_dialable(const PeerRecord& record) {
  return record.id != NodeId{} && !record.address.empty() &&
         record.address.size() <= limits::address_characters_max;
}

Duration redial_delay(int failures, double interval_scale, Duration longest) {
  constexpr int doublings_max = 6;  // 2^6 * redial_delay_first is past redial_delay_max
  const auto doubled = limits::redial_delay_first * (1 << std::min(failures, doublings_max));
  return scaled(std::min<Duration>(doubled, longest), interval_scale);
}

void AddressBook::remember(const PeerRecord& record, Source source) {
  if (!is_dialable(record)) return;
  if (const auto known = entries_.find(record.id); known != entries_.end()) {
    // A lie about an address must not cut off a peer that is reachable where it was.
    if (source == Source::first_hand || known->second.failures > 0) {
      known->second.record.address = record.address;
    }
    return;
  }
  if (entries_.size() >= limits::address_book_peers_max) make_room();
  entries_.emplace(record.id, Entry{.record = record, .failures = 0, .retry_at = {}});
}

void AddressBook::dial_failed(const NodeId& peer, Instant now) {
  const auto found = entries_.find(peer);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  const bool is_known = entry.linked_at && now - *entry.linked_at < limits::known_peer_time;
  const Duration longest = is_known ? limits::redial_delay_known_max : limits::redial_delay_max;
  entry.retry_at = now + redial_delay(entry.failures, interval_scale_, longest);
  ++entry.failures;
}

void AddressBook::answered(const NodeId& peer, Instant now) {
  const auto found = entries_.find(peer);
  if (found == entries_.end()) return;
  found->second.failures = 0;
  found->second.linked_at = now;
}

void AddressBook::linked(const NodeId& peer, Instant now) {
  if (const auto found = entries_.find(peer); found != entries_.end()) {
    found->second.linked_at = now;
  }
}

void AddressBook::rest(const NodeId& peer, Instant until) {
  if (const auto found = entries_.find(peer); found != entries_.end()) {
    found->second.retry_at = std::max(found->second.retry_at, until);
  }
}

std::optional<PeerRecord> AddressBook::find(const NodeId& peer) const {
  const auto found = entries_.find(peer);
  if (found == entries_.end()) return std::nullopt;
  return found->second.record;
}

bool AddressBook::is_due(const NodeId& peer, Instant now) const {
  const auto found = entries_.find(peer);
  return found == entries_.end() || found->second.retry_at <= now;
}

std::vector<PeerRecord> AddressBook::due(Instant now) const {
  std::vector<PeerRecord> records;
  for (const auto& [id, entry] : entries_) {
    if (entry.retry_at <= now) records.push_back(entry.record);
  }
  return records;
}

std::vector<PeerRecord> AddressBook::all() const {
  std::vector<PeerRecord> records;
  for (const auto& [id, entry] : entries_) records.push_back(entry.record);
  return records;
}

void AddressBook::make_room() {
  // Ties go to the smallest NodeId: arbitrary, but the same in every replay.
  const auto worst = std::max_element(
      entries_.begin(), entries_.end(),
      [](const auto& a, const auto& b) { return a.second.failures < b.second.failures; });
  entries_.erase(worst);
}

}  // namespace starling::protocol
