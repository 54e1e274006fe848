#pragma once
// What one input leads to. The parts of NodeCore append; NodeCore turns it into outputs at the end.

#include <optional>
#include <utility>
#include <vector>

#include "node/core/learner_job.h"
#include "node/core/peer_memory.h"
#include "protocol/effects.h"
#include "protocol/overlay/identity_watch.h"
#include "protocol/reject_reason.h"
#include "protocol/wire/announcement.h"
#include "starling/event.h"
#include "starling/instant.h"

namespace starling::node {

struct Turn {
  explicit Turn(Instant at) : now(at) {}

  Instant now;
  protocol::Effects effects;
  std::vector<LearnerJob> jobs;
  std::vector<protocol::Announcement> announcements;  ///< To be signed and broadcast.
  std::vector<Bytes> vote_log;                        ///< Signed packets to be kept on disk.
  std::optional<protocol::SharedBytes> checkpoint;
  bool stores_state = false;             ///< To the disk, as it is after the jobs so far.
  std::optional<RememberedPeers> peers;  ///< To be kept on disk.
  std::vector<std::pair<NodeId, protocol::RejectReason>> misconduct;
  std::vector<protocol::NewcomerVerdict> verdicts;  ///< Of second processes that wait.
  std::vector<Event> events;

  void blame(const NodeId& peer, protocol::RejectReason reason) {
    misconduct.emplace_back(peer, reason);
  }
};

}  // namespace starling::node
