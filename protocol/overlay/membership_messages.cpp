// Membership: what others say, and the answers (HyParView, Leitao et al. 2007, sections 4.1
// to 4.4).

#include <algorithm>
#include <utility>

#include "protocol/limits.h"
#include "protocol/overlay/membership.h"

namespace starling::protocol {

namespace {

/// What a peer says about itself must carry its own authenticated name.
bool speaks_for_itself(const NodeId& from, const PeerRecord& record) {
  return record.id == from && record.address.size() <= limits::address_characters_max;
}

}  // namespace

Handled Membership::receive(const NodeId& from, const Join& join, Instant now, Effects& effects) {
  const auto found = links_.find(from);
  if (found == links_.end() || !speaks_for_itself(from, join.joiner)) {
    return std::unexpected(RejectReason::unexpected);
  }
  introduce(join.joiner);
  answer_request(from, true, now, effects);
  // Spread once for each link, or a Join repeated would flood the swarm with walks.
  if (std::exchange(found->second.has_joined, true) || !is_dialable(join.joiner)) return {};
  for (const NodeId& neighbour : neighbours()) {
    if (neighbour == from) continue;
    effects.send(neighbour,
                 ForwardJoin{.joiner = join.joiner, .hops_left = limits::active_walk_hops});
  }
  return {};
}

Handled Membership::receive(const NodeId& from, const ForwardJoin& walk, Instant now,
                            Effects& effects) {
  if (!is_neighbour(from)) return std::unexpected(RejectReason::unexpected);
  if (walk.hops_left > limits::active_walk_hops || !is_dialable(walk.joiner)) {
    return std::unexpected(RejectReason::too_large);
  }
  if (walk.joiner.id == options_.self.id) return {};
  book_.remember(walk.joiner, AddressBook::Source::hearsay);
  const auto next = random_neighbour({from, walk.joiner.id});
  if (walk.hops_left == 0 || !next) {
    if (admits(walk.joiner.id, false)) court(walk.joiner, false, now, effects);
    return {};
  }
  // A node with room keeps the joiner in mind wherever the walk is: a small swarm fills at once.
  const bool has_room = neighbour_count() < limits::active_view_peers_max;
  if (has_room || walk.hops_left == limits::passive_walk_hops) learn(walk.joiner);
  effects.send(*next, ForwardJoin{.joiner = walk.joiner,
                                  .hops_left = static_cast<std::uint8_t>(walk.hops_left - 1)});
  return {};
}

Handled Membership::receive(const NodeId& from, const NeighbourRequest& request, Instant now,
                            Effects& effects) {
  if (!links_.contains(from) || !speaks_for_itself(from, request.sender)) {
    return std::unexpected(RejectReason::unexpected);
  }
  introduce(request.sender);
  answer_request(from, request.high_priority, now, effects);
  return {};
}

Handled Membership::receive(const NodeId& from, const NeighbourReply& reply, Instant now,
                            Effects& effects) {
  const auto found = links_.find(from);
  if (found == links_.end()) return std::unexpected(RejectReason::unexpected);
  const bool was_asked = found->second.standing == Standing::asked;
  if (!reply.accepted) {
    demote(from, CloseReason::normal);
    found->second.expires = now;  // the link has no purpose any more
    book_.rest(from, now + scaled_interval(limits::shuffle_interval));
    return {};
  }
  if (found->second.standing == Standing::neighbour) return {};
  // A late yes is taken back where the place has gone to another.
  if (!was_asked && !admits(from, false)) {
    effects.send(from, LeaveView{});
    return {};
  }
  make_room(now, effects);
  promote(from);
  return {};
}

Handled Membership::receive(const NodeId& from, const LeaveView& leave, Instant now,
                            Effects& effects) {
  const auto found = links_.find(from);
  if (found == links_.end()) return std::unexpected(RejectReason::unexpected);
  if (is_pinned(from) && leave.alive) return {};
  demote(from, leave.alive ? CloseReason::normal : CloseReason::shutting_down);
  found->second.expires = now + scaled_interval(limits::stranger_link_time_max);
  if (leave.alive) {
    book_.rest(from, now + scaled_interval(limits::shuffle_interval));
    learn(found->second.record);
  } else {
    drop_passive(from);
  }
  refill(now, effects);
  return {};
}

Handled Membership::receive(const NodeId& from, const Shuffle& shuffle, Instant now,
                            Effects& effects) {
  if (!is_neighbour(from)) return std::unexpected(RejectReason::unexpected);
  if (shuffle.hops_left > limits::active_walk_hops ||
      shuffle.peers.size() > limits::shuffle_peers_max) {
    return std::unexpected(RejectReason::too_large);
  }
  if (shuffle.origin.id == options_.self.id) return {};
  if (shuffle.hops_left > 0) {
    if (const auto next = random_neighbour({from, shuffle.origin.id})) {
      Shuffle walked = shuffle;
      --walked.hops_left;
      effects.send(*next, std::move(walked));
      return {};
    }
  }
  reach(shuffle.origin, ShuffleReply{shuffle_sample()}, now, effects);
  learn_all(shuffle.peers);
  learn(shuffle.origin);
  return {};
}

Handled Membership::receive(const NodeId& from, const ShuffleReply& reply) {
  if (!links_.contains(from)) return std::unexpected(RejectReason::unexpected);
  if (reply.peers.size() > limits::shuffle_peers_max) {
    return std::unexpected(RejectReason::too_large);
  }
  learn_all(reply.peers);
  return {};
}

}  // namespace starling::protocol
