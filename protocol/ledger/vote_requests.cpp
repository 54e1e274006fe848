#include "protocol/ledger/vote_requests.h"

#include <algorithm>
#include <set>

#include "protocol/limits.h"
#include "protocol/pace.h"

namespace starling::protocol {

VoteRequests::VoteRequests(double interval_scale)
    : usual_time_(scaled(limits::vote_request_time_max, interval_scale)),
      time_max_(std::max(usual_time_, limits::vote_answer_time_max)) {}

void VoteRequests::asked(const NodeId& peer, const VoteRangeRequest& range, Instant now) {
  const auto known = answer_time_.find(peer);
  const Duration patience = known == answer_time_.end() ? usual_time_ : known->second;
  requests_[range.author] = {
      .peer = peer, .first = range.first, .asked_at = now, .deadline = now + patience};
}

void VoteRequests::answered(
    const NodeId& peer, Instant now,
    const std::function<bool(const NodeId& author, std::uint64_t packet)>& is_held) {
  std::erase_if(requests_, [&](const auto& entry) {
    const auto& [author, request] = entry;
    if (request.peer != peer || !is_held(author, request.first)) return false;
    // Falls by half at a time: answers that wait behind each other take longer and longer.
    Duration& time = answer_time_[peer];
    time = std::max({usual_time_, 2 * (now - request.asked_at), time / 2});
    return true;
  });
}

void VoteRequests::expire(Instant now) {
  std::set<NodeId> late;
  std::erase_if(requests_, [&](const auto& entry) {
    if (entry.second.deadline > now) return false;
    late.insert(entry.second.peer);
    return true;
  });
  for (const NodeId& peer : late) {
    Duration& time = answer_time_[peer];
    time = std::max(time, std::min(2 * std::max(time, usual_time_), time_max_));
  }
}

void VoteRequests::forget_peer(const NodeId& peer) {
  std::erase_if(requests_, [&](const auto& entry) { return entry.second.peer == peer; });
  answer_time_.erase(peer);
}

std::size_t VoteRequests::unanswered_by(const NodeId& peer) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      requests_, [&](const auto& entry) { return entry.second.peer == peer; }));
}

std::pair<std::size_t, Duration> VoteRequests::load_of(const NodeId& peer) const {
  const auto known = answer_time_.find(peer);
  return {unanswered_by(peer), known == answer_time_.end() ? usual_time_ : known->second};
}

bool VoteRequests::are_open(Instant now) const {
  return std::ranges::any_of(requests_,
                             [now](const auto& entry) { return entry.second.deadline > now; });
}

}  // namespace starling::protocol
