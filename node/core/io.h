#pragma once
// The whole surface of NodeCore: inputs are what happened, outputs what the performer has to do.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "node/core/learner_job.h"
#include "protocol/reject_reason.h"
#include "protocol/wire/message.h"
#include "starling/event.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::node {

// --- Inputs ---

/// A session with `peer` is established (authenticated, encrypted). At most one per peer at a time.
struct PeerConnected {
  protocol::PeerRecord peer;
  bool dialled_by_us = false;
};
struct PeerDisconnected {
  NodeId peer;
  protocol::CloseReason reason = protocol::CloseReason::normal;
};
/// A dial failed. `id` is zero if the address came without one (a ticket's).
struct ConnectFailed {
  protocol::PeerRecord peer;
};
struct MessageReceived {
  NodeId peer;
  protocol::Message message;
};
struct TimerFired {};
struct LearnerFinished {
  LearnerResult result;
};
/// The performer dropped something before it reached the core; only counted here.
struct InputRejected {
  protocol::RejectReason reason = protocol::RejectReason::bad_frame;
};
struct MergeRequested {};
struct LeaveRequested {};
using Input =
    std::variant<PeerConnected, PeerDisconnected, ConnectFailed, MessageReceived, TimerFired,
                 LearnerFinished, InputRejected, MergeRequested, LeaveRequested>;

// --- Outputs ---

/// Dial; answered by PeerConnected or ConnectFailed. A zero id accepts whoever proves to be in the
/// run.
struct Connect {
  protocol::PeerRecord peer;
};
/// Always answered by PeerDisconnected, like any other end of a link.
struct Disconnect {
  NodeId peer;
  protocol::CloseReason reason = protocol::CloseReason::normal;
};
struct Send {
  NodeId peer;
  protocol::Message message;
};
/// Replaces the one timer: TimerFired is due at `at`.
struct StartTimer {
  Instant at;
};
struct RunLearner {
  LearnerJob job;
};
/// Survives the process: replaces the last checkpoint atomically.
struct SaveCheckpoint {
  Bytes state;
};
/// Survives the process: appended to the vote log, in order.
struct AppendVotes {
  Bytes packet;
};
/// The merge is complete and adopted; the learner holds the model.
struct SaveMergedModel {
  Manifest manifest;
};
struct Notify {
  Event event;
};
using Output = std::variant<Connect, Disconnect, Send, StartTimer, RunLearner, SaveCheckpoint,
                            AppendVotes, SaveMergedModel, Notify>;

}  // namespace starling::node
