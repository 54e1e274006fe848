#pragma once
// What misbehaving costs a peer. Points by reason, decaying with time; enough of them close the
// link, more ban the node. Every reason is counted for `status`.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>

#include "protocol/reject_reason.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::protocol {

using RejectCounts = std::array<std::uint64_t, reject_reason_names.size()>;

/// What the owner does with the link.
enum class Sanction { none, drop, ban };

class PeerScore {
 public:
  /// Counts a reason that cannot be blamed on a known node, e.g. a failed handshake.
  void count(RejectReason reason) { ++totals_[static_cast<std::size_t>(reason)]; }
  /// Counts and scores; the answer is for now only.
  Sanction report(const NodeId& peer, RejectReason reason, Instant now);

  [[nodiscard]] bool is_banned(const NodeId& peer, Instant now) const;
  [[nodiscard]] double points(const NodeId& peer, Instant now) const;
  [[nodiscard]] const RejectCounts& totals() const { return totals_; }
  /// All zero for an unknown peer.
  [[nodiscard]] RejectCounts counts(const NodeId& peer) const;
  [[nodiscard]] std::size_t size() const { return peers_.size(); }

 private:
  struct Record {
    double points = 0;
    Instant updated;
    Instant banned_until;
    RejectCounts counts{};

    [[nodiscard]] double points_at(Instant now) const;
  };

  void make_room(Instant now);

  RejectCounts totals_{};
  std::map<NodeId, Record> peers_;
};

}  // namespace starling::protocol
