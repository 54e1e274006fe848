#pragma once
// The whole surface of NodeCore: inputs are what happened, outputs what the performer has to do.
//
// Whoever performs promises this, and tests/conformance holds the runtime's sockets and the
// simulator's network to it:
//   links     At most one link per peer at a time: for every peer PeerConnected and
//             PeerDisconnected take turns, beginning with PeerConnected.
//   messages  MessageReceived comes only between the two. What a peer sends arrives at most once,
//             and in order among control messages, among gossip and among bulk; bulk is overtaken
//             by the others and never overtakes control sent before it.
//   bulk      A bulk message above its kind's bound (bulk_bounds.h), or a state that was not asked
//             for over this link, is not taken up: BulkRefused, InputRejected and the end of the
//             link follow. One that takes long is told of while it comes (BulkProgressed).
//   farewell  What was sent before a Disconnect, except bulk, arrives before the peer's
//             PeerDisconnected, which has the reason given.
//   circuits  Messages of circuits that end at this node are the performer's; the core hears of
//             those that it relays, which are all others.
//   inputs    Are told one after the other, never from within the handling of another one.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "node/core/bulk_progress.h"
#include "node/core/learner_job.h"
#include "node/core/peer_memory.h"
#include "protocol/limits.h"
#include "protocol/link/bulk_bounds.h"
#include "protocol/link/dial_problem.h"
#include "protocol/overlay/path_kind.h"
#include "protocol/reject_reason.h"
#include "protocol/wire/message.h"
#include "starling/event.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::node {

// --- Inputs ---

/// A performer holds this many links; whoever comes after is turned away. More than the core keeps,
/// so that the core can choose whom to let go for a newcomer.
inline constexpr std::size_t performer_links_max = protocol::limits::links_max + 16;

/// A session with `peer` is established (authenticated, encrypted). peer.address: as dialled, empty
/// if the peer dialled us. path: by which it came about; of one that we dialled, as in Connect.
/// seen_at: the address of the peer's end; empty over a relay, and where it is not known.
struct PeerConnected {
  protocol::PeerRecord peer;
  bool dialled_by_us = false;
  protocol::PathKind path = protocol::PathKind::direct;
  std::string seen_at = {};
};
struct PeerDisconnected {
  NodeId peer;
  protocol::CloseReason reason = protocol::CloseReason::normal;
};
/// A dial led to no link. peer, path, via: as in Connect.
struct ConnectFailed {
  protocol::PeerRecord peer;
  protocol::DialProblem problem = protocol::DialProblem::unreachable;
  protocol::DialDetail detail = {};
  protocol::PathKind path = protocol::PathKind::direct;
  NodeId via = {};
};
struct MessageReceived {
  NodeId peer;
  protocol::Message message;
};
/// A bulk message that does not fit the run. is_own: one that this node was about to send.
struct BulkRefused {
  NodeId peer;
  protocol::BulkRefusal refusal;
  bool is_own = false;
};
/// A second process asks for a link under the id of a peer that has one, or under our own. It is
/// kept waiting, and answered by Admit or Refuse. address: where it was reached or came from.
struct SecondProcess {
  NodeId peer;
  std::uint64_t incarnation = 0;
  std::string address;
};
struct TimerFired {};
struct LearnerFinished {
  LearnerResult result;
};
/// Answers a StoreState: the state is on the disk, or the performer has said why not.
struct StateStored {};
/// The performer dropped something before it reached the core; only counted here.
struct InputRejected {
  protocol::RejectReason reason = protocol::RejectReason::bad_frame;
};
/// The owner wants the merge now, whatever the steps. accepts_partial: also without a quorum.
struct MergeRequested {
  bool accepts_partial = false;
};
struct LeaveRequested {};
/// This machine is somewhere else now. address: what others dial from now on, as in Connect; empty:
/// nothing at present.
struct AddressChanged {
  std::string address;
};
/// The router has opened a port for us: whoever dials `address` may reach this node. It is told to
/// others only once one of them has tried. is_up false: the port is closed again.
struct AddressMapped {
  std::string address;
  bool is_up = true;
};
/// A beacon of this run has come from this address of the local network. A zero id: it does not say
/// whose it is.
struct LanContact {
  protocol::PeerRecord peer;
};
/// Answers a ProbeAddress.
struct AddressProbed {
  NodeId peer;
  std::uint64_t nonce = 0;
  bool is_reached = false;
};
using Input = std::variant<PeerConnected, PeerDisconnected, ConnectFailed, MessageReceived,
                           BulkProgressed, BulkRefused, SecondProcess, TimerFired, LearnerFinished,
                           StateStored, InputRejected, MergeRequested, LeaveRequested,
                           AddressChanged, AddressMapped, LanContact, AddressProbed>;

// --- Outputs ---

/// Dial. Answered once, by PeerConnected (dialled_by_us) or ConnectFailed, whatever happens: a link
/// to this peer that exists already, or comes about and stays, makes it ConnectFailed with
/// already_linked. A second Connect of the same record before the answer shares it. A zero id
/// accepts whoever proves to be in the run. address: one to three "host:port" separated by commas,
/// all of which are tried. path: what is tried. punched: the peer dials us at the same time.
/// relayed: over a circuit of the peer `via`, to which there is a link; the address does not
/// matter. A link that is not relayed takes the place of one that is, and never the other way
/// round.
struct Connect {
  protocol::PeerRecord peer;
  protocol::PathKind path = protocol::PathKind::direct;
  NodeId via = {};
};
/// Dial peer.address from a port that no link uses, find out whether the peer is there, and hang
/// up: no link comes of it. Answered once, by AddressProbed.
struct ProbeAddress {
  protocol::PeerRecord peer;
  std::uint64_t nonce = 0;
};
/// Always answered by PeerDisconnected with this reason, like any other end of a link, before
/// anything else is told of the peer. Nothing happens without a link: its end was told already.
struct Disconnect {
  NodeId peer;
  protocol::CloseReason reason = protocol::CloseReason::normal;
};
/// Without a link the message is dropped: the end of the link was told already. A peer that takes
/// up so little that its queue is full loses the link (PeerDisconnected with timed_out).
struct Send {
  NodeId peer;
  protocol::Message message;
};
/// Links the process that was kept waiting, in place of the older link to this peer if there is
/// one: PeerDisconnected with duplicate_link, then PeerConnected. Nothing happens if it has gone.
struct Admit {
  NodeId peer;
  std::uint64_t incarnation = 0;
};
/// Sends it `proof` as an IdentityProof, unless that is empty, and a farewell with
/// duplicate_identity. Nothing happens if it has gone.
struct Refuse {
  NodeId peer;
  std::uint64_t incarnation = 0;
  Bytes proof;
};
/// Replaces the one timer: TimerFired comes at `at` or soon after, never before, and once.
struct StartTimer {
  Instant at;
};
struct RunLearner {
  LearnerJob job;
};
/// Survives the process: replaces the last checkpoint atomically.
struct SaveCheckpoint {
  protocol::SharedBytes state;
};
/// The same with the learner's state as it is after the jobs asked for so far, written from where
/// it lies: a model that fills the memory has no room for a copy. Answered by StateStored.
struct StoreState {};
/// Survives the process: appended to the vote log, in order.
struct AppendVotes {
  Bytes packet;
};
/// Survives the process: replaces what was saved before. At the next start `records` belong into
/// Config::bootstrap and `seen` into Config::nodes_seen.
struct SavePeers {
  RememberedPeers peers;
};
/// The merge is complete and adopted; the learner holds the model.
struct SaveMergedModel {
  Manifest manifest;
};
struct Notify {
  Event event;
};
using Output =
    std::variant<Connect, ProbeAddress, Disconnect, Send, Admit, Refuse, StartTimer, RunLearner,
                 SaveCheckpoint, StoreState, AppendVotes, SavePeers, SaveMergedModel, Notify>;

}  // namespace starling::node
