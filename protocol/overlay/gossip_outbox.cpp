#include "protocol/overlay/gossip_outbox.h"

#include <algorithm>
#include <utility>

#include "protocol/limits.h"

namespace starling::protocol {

void GossipOutbox::announce(const Announced& announced, bool can_wait, Duration wait, Instant now) {
  Announcements& announcements = can_wait ? patient_ : prompt_;
  if (announcements.due.empty()) announcements.at = now + wait;
  if (announcements.due.size() < limits::ihave_ids_per_interval_max) {
    announcements.due.push_back(announced);
  }
}

void GossipOutbox::gather(Gossip gossip, Duration wait, Instant now) {
  if (bodies_.empty()) bodies_at_ = now + wait;
  body_bytes_ += gossip.body.size();
  bodies_.push_back(std::move(gossip));
  const bool is_full = bodies_.size() >= limits::gossip_batch_bodies_max ||
                       body_bytes_ >= limits::gossip_batch_bytes_max;
  if (is_full) bodies_at_ = now;
}

void GossipOutbox::forget(const BroadcastId& id) {
  std::erase_if(prompt_.due, [&](const Announced& due) { return due.id == id; });
  std::erase_if(patient_.due, [&](const Announced& due) { return due.id == id; });
  const auto body = std::ranges::find(bodies_, id, &Gossip::id);
  if (body == bodies_.end()) return;
  body_bytes_ -= body->body.size();
  bodies_.erase(body);
}

Instant GossipOutbox::next_deadline() const {
  return std::min({prompt_.at, patient_.at, bodies_at_});
}

void GossipOutbox::tick(const NodeId& peer, Instant now, Effects& effects) {
  if (prompt_.at <= now) flush(prompt_, false, peer, effects);
  if (bodies_at_ <= now) flush_bodies(peer, effects);
  if (patient_.at <= now) flush(patient_, true, peer, effects);
}

void GossipOutbox::flush(const NodeId& peer, Effects& effects) {
  flush(prompt_, false, peer, effects);
  flush_bodies(peer, effects);
  flush(patient_, true, peer, effects);
}

void GossipOutbox::flush(Announcements& announcements, bool can_wait, const NodeId& peer,
                         Effects& effects) {
  IHave have{.ids = {}, .hops = {}, .can_wait = can_wait};
  for (const Announced& announced : announcements.due) {
    have.ids.push_back(announced.id);
    have.hops.push_back(announced.hops);
    if (have.ids.size() < limits::ihave_ids_max) continue;
    effects.send(peer, have);
    have.ids.clear();
    have.hops.clear();
  }
  if (!have.ids.empty()) effects.send(peer, std::move(have));
  announcements = {};
}

void GossipOutbox::flush_bodies(const NodeId& peer, Effects& effects) {
  GossipBatch batch;
  std::size_t bytes = 0;
  for (Gossip& gossip : std::exchange(bodies_, {})) {
    const bool is_full = batch.bodies.size() >= limits::gossip_batch_bodies_max ||
                         bytes + gossip.body.size() > limits::gossip_batch_bytes_max;
    if (is_full && !batch.bodies.empty()) {
      effects.send(peer, std::exchange(batch, {}));
      bytes = 0;
    }
    bytes += gossip.body.size();
    batch.bodies.push_back(std::move(gossip));
  }
  if (!batch.bodies.empty()) effects.send(peer, std::move(batch));
  body_bytes_ = 0;
  bodies_at_ = Instant::never();
}

}  // namespace starling::protocol
