#pragma once
// Small messages to every node: Plumtree (Leitao, Pereira, Rodrigues 2007). Bodies travel along a
// spanning tree of eager links that duplicates prune and losses graft; the other links carry only
// ids. Sizes and times: PROTOCOL.md section 4.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "protocol/effects.h"
#include "protocol/overlay/gossip_outbox.h"
#include "protocol/reject_reason.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::protocol {

/// Whether a body is passed on at once, or may wait on each link for others to share a message.
enum class Haste : std::uint8_t { at_once, can_wait };

struct BroadcastCounters {
  std::uint64_t delivered = 0;   ///< New bodies, own ones not included.
  std::uint64_t duplicates = 0;  ///< Bodies received again.
  std::uint64_t grafts_sent = 0;
};

class Broadcast {
 public:
  /// interval_scale: times the patience before a graft, where above 1. Links too slow for the usual
  /// patience would otherwise carry each body several times.
  explicit Broadcast(double interval_scale = 1) : interval_scale_(std::max(1.0, interval_scale)) {}

  void neighbour_up(const NodeId& peer, Instant now);
  /// Sends a new neighbour a body of the cache that it should have at once; ids of the others
  /// follow.
  void introduce(const BroadcastId& id, const NodeId& peer, Effects& effects) const;
  void neighbour_down(const NodeId& peer);
  /// Makes the graft timers of this peer wait for max(limits, 3 round trips).
  void set_round_trip(const NodeId& peer, Duration round_trip);
  /// How long bodies that can wait are gathered on each link. 0, as at first: not at all.
  void set_gather_time(Duration time) { gather_time_ = time; }

  /// Sends an own body to everyone. body: at most gossip_bytes_max. Returns its name.
  BroadcastId broadcast(Bytes body, Haste haste, Instant now, Effects& effects);
  /// Sends what waits: the links are about to end.
  void flush(Effects& effects);

  /// First step of receiving: true if the body is new. Then the owner verifies it and, if it is
  /// good, delivers it and calls `accept`; a bad one is simply not accepted.
  /// Error: bad_payload if the id is not that of the body, too_large, unexpected (no neighbour).
  [[nodiscard]] std::expected<bool, RejectReason> receive(const NodeId& from, const Gossip& gossip,
                                                          Effects& effects);
  /// Second step: remembers the body and forwards it. haste: can_wait for what came in a batch.
  void accept(const NodeId& from, const Gossip& gossip, Haste haste, Instant now, Effects& effects);

  [[nodiscard]] Handled receive(const NodeId& from, const IHave& have, Instant now);
  [[nodiscard]] Handled receive(const NodeId& from, const Graft& graft, Instant now,
                                Effects& effects);
  [[nodiscard]] Handled receive(const NodeId& from, const Prune& prune);

  [[nodiscard]] Instant next_deadline() const;
  void tick(Instant now, Effects& effects);

  [[nodiscard]] const BroadcastCounters& counters() const { return counters_; }
  [[nodiscard]] std::size_t cached_bytes() const { return cached_bytes_; }
  [[nodiscard]] std::size_t remembered_ids() const { return seen_.size(); }
  [[nodiscard]] std::size_t missing() const { return missing_.size(); }

 private:
  struct Peer {
    bool is_eager = false;
    Duration round_trip{0};
    GossipOutbox outbox;
    Instant interval_start;  ///< Of the caps on IHAVE and GRAFT.
    std::size_t ihave_ids = 0;
    std::size_t grafts = 0;
  };
  struct Cached {
    std::uint32_t hops = 0;
    Bytes body;
    Haste haste = Haste::at_once;
  };
  struct Source {
    NodeId peer;
    std::uint32_t hops = 0;
    bool is_grafted = false;
  };
  /// Announced by `sources`, not received.
  struct Missing {
    std::deque<Source> sources;
    std::size_t attempts = 0;
    Instant announced_at;
    Instant graft_at;
    bool can_wait = false;
  };
  struct Aged {
    BroadcastId id{};
    Instant expires;
  };

  [[nodiscard]] bool is_gathered(Haste haste) const {
    return haste == Haste::can_wait && gather_time_ > Duration{0};
  }
  void announce(Peer& peer, const BroadcastId& id, Instant now) const;
  void give(const NodeId& peer, const BroadcastId& id, std::uint32_t hops, Effects& effects) const;
  static void start_interval(Peer& peer, Instant now);
  [[nodiscard]] bool shapes_tree(const BroadcastId& id) const;
  void remember(const Gossip& gossip, Haste haste, Instant now);
  void note_recent(const BroadcastId& id, bool is_gathered_body, Instant now);
  void forward(const std::set<NodeId>& holders, const Gossip& gossip, Haste haste, Instant now,
               Effects& effects);
  void note_missing(const BroadcastId& id, const Source& source, bool can_wait, Instant now);
  [[nodiscard]] Duration patience(Duration usual, Duration round_trips) const;
  [[nodiscard]] Instant first_graft_at(const Missing& missing) const;
  std::deque<Source> take_announcers(const NodeId& from, const BroadcastId& id, Instant now);
  void shape_tree(const NodeId& from, const std::deque<Source>& announcers, const Gossip& gossip,
                  Effects& effects);
  void graft_missing(Instant now, Effects& effects);
  void graft(const BroadcastId& id, Missing& missing, Instant now, Effects& effects);
  void forget_old(Instant now);

  double interval_scale_;
  Duration gather_time_{0};
  std::map<NodeId, Peer> peers_;
  std::map<BroadcastId, Cached> cache_;
  std::deque<Aged> cache_order_;
  std::size_t cached_bytes_ = 0;
  std::set<BroadcastId> seen_;
  std::deque<Aged> seen_order_;
  /// The least id of the last shaping_interval, then the least of those that came after it, ...
  std::deque<Aged> recent_least_;
  bool are_recent_gathered_ = false;  ///< Those of recent_least_, all of them or none.
  std::map<BroadcastId, Missing> missing_;
  /// How long bodies lately came after their announcement: a full link carries these at once, and
  /// bodies in their turn.
  Duration lateness_{0};
  /// No later than the first graft_at of missing_, which may be long: asked after every input.
  Instant graft_next_ = Instant::never();
  BroadcastCounters counters_;
};

}  // namespace starling::protocol
