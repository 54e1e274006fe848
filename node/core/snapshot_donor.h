#pragma once
// Gives joiners the newest snapshot: says which one it has, and sends it when asked, to one
// neighbour not more often than every few seconds.

#include <map>

#include "node/core/learner_job.h"
#include "node/core/turn.h"
#include "protocol/wire/message.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::node {

class SnapshotDonor {
 public:
  SnapshotDonor(Digest recipe, double interval_scale)
      : recipe_(recipe), interval_scale_(interval_scale) {}

  /// From now on this one is given.
  void keep(const SaveStateDone& saved);

  /// No longer: it holds votes that are void.
  void forget();

  void receive(const NodeId& peer, const protocol::StateQuery& query, bool has_whole_ledger,
               Turn& turn) const;
  void receive(const NodeId& peer, const protocol::StateRequest& request, Turn& turn);
  void neighbour_down(const NodeId& peer) { given_at_.erase(peer); }

 private:
  Digest recipe_;
  double interval_scale_;
  protocol::StateOffer offer_;
  protocol::SharedBytes state_;
  std::map<NodeId, Instant> given_at_;
};

}  // namespace starling::node
