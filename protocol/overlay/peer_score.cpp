#include "protocol/overlay/peer_score.h"

#include <algorithm>
#include <cmath>

#include "protocol/limits.h"

namespace starling::protocol {
namespace {

// Our guess, untuned. What only a hostile or broken program sends costs a link at once; what an
// honest node behind a bad network may cause costs little.
double points_for(RejectReason reason) {
  switch (reason) {
    case RejectReason::bad_seal:
    case RejectReason::bad_frame:
    case RejectReason::bad_encoding:
    case RejectReason::bad_signature:
    case RejectReason::wrong_identity:
      return limits::score_drop_points;
    case RejectReason::too_large:
    case RejectReason::bad_payload:
      return limits::score_drop_points / 2;
    case RejectReason::flood:
    case RejectReason::stalled:
    case RejectReason::bad_handshake:
    case RejectReason::wrong_tag:
    case RejectReason::other_run:
    case RejectReason::other_version:
    case RejectReason::other_model:
      return limits::score_drop_points / 10;
    case RejectReason::expired_key:
    case RejectReason::handshake_slow:
    case RejectReason::truncated:
      return limits::score_drop_points / 50;
    case RejectReason::unexpected:  // also what is under way while views change
      return limits::score_drop_points / 200;
  }
  return 0;
}

}  // namespace

double PeerScore::Record::points_at(Instant now) const {
  const double half_lives = to_seconds(now - updated) / to_seconds(limits::score_half_life);
  return points * std::exp2(-half_lives);
}

Sanction PeerScore::report(const NodeId& peer, RejectReason reason, Instant now) {
  count(reason);
  if (!peers_.contains(peer) && peers_.size() >= limits::scored_peers_max) make_room(now);
  Record& record = peers_[peer];
  ++record.counts[static_cast<std::size_t>(reason)];
  record.points = record.points_at(now) + points_for(reason);
  record.updated = now;
  if (record.points >= limits::score_ban_points) {
    record.banned_until = now + limits::ban_time;
    return Sanction::ban;
  }
  return record.points >= limits::score_drop_points ? Sanction::drop : Sanction::none;
}

bool PeerScore::is_banned(const NodeId& peer, Instant now) const {
  const auto found = peers_.find(peer);
  return found != peers_.end() && found->second.banned_until > now;
}

double PeerScore::points(const NodeId& peer, Instant now) const {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? 0 : found->second.points_at(now);
}

RejectCounts PeerScore::counts(const NodeId& peer) const {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? RejectCounts{} : found->second.counts;
}

void PeerScore::make_room(Instant now) {
  const auto mildest =
      std::min_element(peers_.begin(), peers_.end(), [now](const auto& a, const auto& b) {
        return a.second.points_at(now) < b.second.points_at(now);
      });
  peers_.erase(mildest);
}

}  // namespace starling::protocol
