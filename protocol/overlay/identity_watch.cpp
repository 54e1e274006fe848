#include "protocol/overlay/identity_watch.h"

#include <algorithm>
#include <utility>

#include "protocol/pace.h"

namespace starling::protocol {

namespace {

using namespace std::chrono_literals;

/// For the older process to show that it lives, before interval_scale: ten slow round trips, and
/// little to wait for a node that lost power and is back. Our guess.
constexpr Duration answer_time_max = 2s;

}  // namespace

void IdentityWatch::newcomer(const NodeId& peer, std::uint64_t incarnation, Instant now,
                             Effects& effects) {
  newcomers_[peer] = {incarnation, now + scaled(answer_time_max, options_.interval_scale)};
  effects.send(peer, IdentityChallenge{incarnation});
}

void IdentityWatch::link_down(const NodeId& peer) {
  const auto found = newcomers_.find(peer);
  if (found == newcomers_.end()) return;
  verdicts_.push_back(
      {.peer = peer, .incarnation = found->second.incarnation, .is_admitted = true, .proof = {}});
  newcomers_.erase(found);
}

Handled IdentityWatch::answered(const NodeId& from, const SignedAnnouncement& answer, Bytes bytes) {
  const auto* presence = std::get_if<Presence>(&answer.content);
  if (presence == nullptr || answer.author != from) {
    return std::unexpected(RejectReason::unexpected);
  }
  const auto found = newcomers_.find(from);
  if (found == newcomers_.end() || presence->rival != found->second.incarnation) return {};
  // One that began earlier takes the place: it is the other one that has to stop, and will be told.
  const bool is_earlier = presence->rival < presence->incarnation;
  verdicts_.push_back({.peer = from,
                       .incarnation = found->second.incarnation,
                       .is_admitted = is_earlier,
                       .proof = is_earlier ? Bytes() : std::move(bytes)});
  newcomers_.erase(found);
  return {};
}

std::vector<NewcomerVerdict> IdentityWatch::take_verdicts() {
  return std::exchange(verdicts_, {});
}

Instant IdentityWatch::next_deadline() const {
  Instant earliest = Instant::never();
  for (const auto& [peer, newcomer] : newcomers_) {
    earliest = std::min(earliest, newcomer.deadline);
  }
  return earliest;
}

void IdentityWatch::tick(Instant now) {
  std::vector<NodeId> silent;
  for (const auto& [peer, newcomer] : newcomers_) {
    if (newcomer.deadline <= now) silent.push_back(peer);
  }
  for (const NodeId& peer : silent) link_down(peer);
}

}  // namespace starling::protocol
