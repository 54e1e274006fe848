#pragma once
// What a node remembers of others beyond its own process: where they can be dialled, its neighbours
// first, so that a restart finds the run although the ticket's nodes are gone; and everybody who
// ever took part, so that it is known how many the run has.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "protocol/wire/message.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::node {

/// What survives the process.
struct RememberedPeers {
  /// Neighbours, then others by when they were last heard of, the newest first.
  std::vector<protocol::PeerRecord> records;
  std::vector<NodeId> seen;  ///< Everybody whose presence was ever heard; ascending.
  friend bool operator==(const RememberedPeers&, const RememberedPeers&) = default;
};

class PeerMemory {
 public:
  /// seen: from earlier processes. pause: at least so long between two savings.
  PeerMemory(const NodeId& self, const std::vector<NodeId>& seen, Duration pause);

  /// A node of the run has said where it is (its address may be empty).
  void heard(const protocol::PeerRecord& peer, Instant now);
  void neighbour_up(const protocol::PeerRecord& peer, Instant now);
  void neighbour_down(const NodeId& peer);

  [[nodiscard]] const std::set<NodeId>& seen() const { return seen_; }

  /// True when what should survive has changed and the pause is over, or soon after somebody has
  /// become a neighbour for the first time. Ask at next_deadline().
  [[nodiscard]] bool is_due(Instant now) const { return next_deadline() <= now; }
  [[nodiscard]] Instant next_deadline() const;
  /// For the disk; the next pause begins.
  [[nodiscard]] RememberedPeers take(Instant now);

 private:
  struct Entry {
    std::string address;
    Instant heard_at;
  };
  void remember(const protocol::PeerRecord& peer, Instant now);
  void forget_oldest();

  NodeId self_;
  Duration pause_;
  std::set<NodeId> seen_;
  std::map<NodeId, Entry> entries_;
  std::set<NodeId> neighbours_;
  std::set<NodeId> anchors_;  ///< Were neighbours of this process at any time.
  bool has_changed_ = false;
  Instant save_at_ = Instant::never();  ///< For a new neighbour.
  Instant not_before_;
};

}  // namespace starling::node
