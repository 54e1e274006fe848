#pragma once
// What one neighbour is still to be told by the broadcast. Ids wait a moment, so that many share a
// message; so do bodies that nobody is in a hurry for.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "protocol/effects.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::protocol {

class GossipOutbox {
 public:
  struct Announced {
    BroadcastId id{};
    std::uint32_t hops = 0;
  };

  /// `wait`: at most so long, for company. Ids beyond limits::ihave_ids_per_interval_max are left
  /// to the other neighbours. can_wait: of a body that can.
  void announce(const Announced& announced, bool can_wait, Duration wait, Instant now);
  /// A body that can wait; not, once there are as many as a message takes.
  void gather(Gossip gossip, Duration wait, Instant now);
  /// The neighbour has it.
  void forget(const BroadcastId& id);

  [[nodiscard]] Instant next_deadline() const;
  void tick(const NodeId& peer, Instant now, Effects& effects);
  /// Everything, now.
  void flush(const NodeId& peer, Effects& effects);

 private:
  struct Announcements {
    std::vector<Announced> due;
    Instant at = Instant::never();
  };

  static void flush(Announcements& announcements, bool can_wait, const NodeId& peer,
                    Effects& effects);
  void flush_bodies(const NodeId& peer, Effects& effects);

  Announcements prompt_;
  Announcements patient_;
  std::vector<Gossip> bodies_;
  std::size_t body_bytes_ = 0;
  Instant bodies_at_ = Instant::never();
};

}  // namespace starling::protocol
