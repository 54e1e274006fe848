// LedgerSync: what neighbours have and this node lacks, and who is asked for it.

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "protocol/ledger/ledger_sync.h"
#include "protocol/limits.h"
#include "protocol/pace.h"

namespace starling::protocol {

std::uint64_t LedgerSync::told_of(const NodeId& author) const {
  std::uint64_t highest = 0;
  for (const auto& [peer, neighbour] : neighbours_) {
    const auto told = neighbour.heard.find(author);
    if (told != neighbour.heard.end()) highest = std::max(highest, told->second);
  }
  return countable(author, highest);
}

std::vector<VoteCount> LedgerSync::told() const {
  std::map<NodeId, std::uint64_t> highest;
  for (const auto& [peer, neighbour] : neighbours_) {
    for (const auto& [author, packets] : neighbour.heard) {
      highest[author] = std::max(highest[author], packets);
    }
  }
  std::vector<VoteCount> counts;
  for (const auto& [author, packets] : highest) {
    counts.push_back({author, countable(author, packets)});
  }
  return counts;
}

bool LedgerSync::is_told_by(const std::set<NodeId>& peers,
                            const std::vector<VoteCount>& counts) const {
  return std::ranges::all_of(counts, [&](const VoteCount& count) {
    return std::ranges::any_of(peers, [&](const NodeId& peer) {
      const auto neighbour = neighbours_.find(peer);
      if (neighbour == neighbours_.end()) return false;
      const auto heard = neighbour->second.heard.find(count.author);
      return heard != neighbour->second.heard.end() &&
             countable(count.author, heard->second) >= count.packets;
    });
  });
}

std::uint64_t LedgerSync::packets_missing(const std::vector<VoteCount>& counts) const {
  std::uint64_t missing = 0;
  for (const VoteCount& count : counts) {
    const auto found = authors_.find(count.author);
    if (found == authors_.end()) {
      missing += count.packets;
      continue;
    }
    const Author& author = found->second;
    if (author.contiguous >= count.packets) continue;
    const auto beyond = std::distance(author.packets.lower_bound(author.contiguous),
                                      author.packets.lower_bound(count.packets));
    missing += count.packets - author.contiguous - static_cast<std::uint64_t>(beyond);
  }
  return missing;
}

VoteRangeRequest LedgerSync::first_gap(const NodeId& author, std::uint64_t end) const {
  const auto found = authors_.find(author);
  const std::uint64_t first = found == authors_.end() ? 0 : found->second.contiguous;
  end = countable(author, end);
  if (found != authors_.end()) {
    const auto held = found->second.packets.lower_bound(first);
    if (held != found->second.packets.end()) end = std::min(end, held->first);
  }
  const std::uint64_t count = end > first ? end - first : 0;
  return {.author = author,
          .first = first,
          .count = static_cast<std::uint32_t>(
              std::min<std::uint64_t>(count, limits::vote_request_packets_max))};
}

/// What `peer` has told of and this node lacks, from whoever has least to answer.
void LedgerSync::request_missing(const NodeId& peer, Instant now, Effects& effects) {
  if (sources_ && !sources_->contains(peer)) return;
  requests_.expire(now);
  const auto found = neighbours_.find(peer);
  if (found == neighbours_.end()) return;
  std::size_t asked = requests_.unanswered_by(peer);
  for (const auto& [author, told] : found->second.heard) {
    if (asked >= limits::vote_requests_per_peer_max) break;
    const VoteRangeRequest gap = first_gap(author, told);
    if (gap.count == 0 || requests_.has(author)) continue;
    ++asked;
    request(source_of(gap, peer), gap, now, effects);
  }
}

/// `first` has it. Whoever is asked alone, because it was the first to tell of many packets, would
/// fill its uplink while those of the others rest.
const NodeId& LedgerSync::source_of(const VoteRangeRequest& gap, const NodeId& first) const {
  const NodeId* least = &first;
  auto load = requests_.load_of(first);
  for (const auto& [peer, neighbour] : neighbours_) {
    if (sources_ && !sources_->contains(peer)) continue;
    const auto heard = neighbour.heard.find(gap.author);
    if (heard == neighbour.heard.end() || heard->second < gap.first + gap.count) continue;
    if (const auto other = requests_.load_of(peer); other < load) {
      least = &peer;
      load = other;
    }
  }
  return *least;
}

void LedgerSync::request(const NodeId& peer, const VoteRangeRequest& gap, Instant now,
                         Effects& effects) {
  requests_.asked(peer, gap, now);
  effects.send(peer, gap);
}

void LedgerSync::fetch_from(std::optional<std::set<NodeId>> sources, Instant now,
                            Effects& effects) {
  sources_ = std::move(sources);
  for (const auto& [peer, neighbour] : neighbours_) request_missing(peer, now, effects);
}

bool LedgerSync::fetch_one_from(const NodeId& peer, Instant now, Effects& effects) {
  const auto found = neighbours_.find(peer);
  if (found == neighbours_.end()) return false;
  VoteRangeRequest longest;
  for (const auto& [author, told] : found->second.heard) {
    const VoteRangeRequest gap = first_gap(author, told);
    if (gap.count > longest.count) longest = gap;
  }
  if (longest.count > 0) request(peer, longest, now, effects);
  return longest.count > 0;
}

void LedgerSync::compare_with(const NodeId& peer, Instant now, Effects& effects) {
  const auto found = neighbours_.find(peer);
  if (found == neighbours_.end() || now < found->second.compare_at) return;
  found->second.compare_at = now + scaled(limits::vote_sync_interval, options_.interval_scale);
  VoteCount& next = found->second.compared;
  auto at = authors_.lower_bound(next.author);
  if (at == authors_.end() || at->first != next.author) next.packets = 0;
  for (std::size_t asked = 0; asked < limits::vote_requests_per_peer_max; ++asked) {
    while (at != authors_.end() && next.packets >= at->second.contiguous) {
      ++at;
      next.packets = 0;
    }
    if (at == authors_.end()) break;
    effects.send(peer, VoteRangeRequest{.author = at->first,
                                        .first = next.packets,
                                        .count = limits::vote_request_packets_max});
    next.packets += limits::vote_request_packets_max;
  }
  next.author = at == authors_.end() ? NodeId{} : at->first;  // then from the first one again
}

Handled LedgerSync::receive(const NodeId& from, const VoteRangeRequest& request,
                            Effects& effects) const {
  if (request.count > limits::vote_request_packets_max) {
    return std::unexpected(RejectReason::too_large);
  }
  const auto found = authors_.find(request.author);
  if (found == authors_.end()) return {};
  VoteRange answer;
  std::size_t bytes = 0;
  const auto& packets = found->second.packets;
  for (auto at = packets.lower_bound(request.first);
       at != packets.end() && at->first - request.first < request.count; ++at) {
    bytes += at->second.size();
    if (!answer.packets.empty() && bytes > limits::vote_range_bytes_max) break;
    answer.packets.push_back(at->second);
  }
  if (!answer.packets.empty()) effects.send(from, std::move(answer));
  return {};
}

void LedgerSync::range_inserted(const NodeId& from, Instant now, Effects& effects) {
  requests_.answered(from, now, [this](const NodeId& author, std::uint64_t packet) {
    return holds(author, packet);
  });
  request_missing(from, now, effects);
}

}  // namespace starling::protocol
