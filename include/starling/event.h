#pragma once
// What a node tells its owner, in order of happening.

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "starling/ids.h"
#include "starling/task.h"

namespace starling {

/// path: a name of protocol/overlay/path_kind.h.
struct PeerJoined {
  NodeId peer;
  std::string address;
  std::string path = "unknown";
};
struct PeerLost {
  NodeId peer;
  std::string reason;
};
/// `loss` is the mean over the steps since the last such event.
struct StepsDone {
  Step step = 0;
  double loss = 0;
};
struct Evaluated {
  Step step = 0;
  Evaluation quality;
  Digest model;
};
struct Exchanged {
  NodeId peer;
  Step own_step = 0;
  Step peer_step = 0;
};
/// The node has no neighbour, or none any more, and keeps trying every address it knows.
struct Isolated {};
/// While there is no neighbour: nobody was reached at `address`. Told once for each address and
/// cause. problem: a name of protocol/link/dial_problem.h. advice: what it means and what to do.
struct ContactFailed {
  std::string address;
  std::string problem;
  std::string advice;
};
/// A joiner has caught up with the run at `step`. method: "state" (a neighbour's parameters), and
/// under votes "replay" (every vote since the start) or "snapshot" (a neighbour's sum, and the
/// votes since). Predictions are made before the choice; NaN: not known, infinite: not possible.
struct CaughtUp {
  Step step = 0;
  std::string method = "state";
  double seconds = 0;  ///< From the choice to the last vote applied.
  double replay_s = std::numeric_limits<double>::quiet_NaN();    ///< Predicted.
  double snapshot_s = std::numeric_limits<double>::quiet_NaN();  ///< Predicted.
};
/// Under votes: the sum of `votes` votes of steps below `step` is on disk; model: its digest.
struct SnapshotSaved {
  Step step = 0;
  std::uint64_t votes = 0;
  Digest model;
};
struct MergeStarted {
  Digest merge;
};
/// This node gives nothing to the merge, which goes on with the others: its model is not finite
/// where `reason` says. It takes the merged model, and ends with the reason as its error.
struct Excluded {
  Digest merge;
  std::string reason;
};
/// All nodes at hand have done their steps, but they are too few of the run for a merge to be
/// final: the node waits for the others. Told again when that changes.
struct QuorumMissing {
  std::uint64_t present = 0;     ///< This node included.
  std::uint64_t needed = 0;      ///< So many nodes make a quorum.
  std::uint64_t nodes_seen = 0;  ///< Ever, in this run.
  std::vector<NodeId> missing;   ///< The first of those seen that are not here.
};

struct MergeSlice {
  std::uint32_t index = 0;
  std::vector<NodeId> contributors;
  Digest digest;
};
struct MergeMember {
  NodeId id;
  std::uint64_t weight = 1;  ///< 0: it had no sound model to give, and is no contributor.
  Step step = 0;
  Digest contribution;  ///< The first 16 bytes of it; the others are zero.
};
/// Who contributed what to the merged model. `attestations`: members that hold the same model.
/// `model`: its digest. `slices`: none where all contributions were equal.
struct Manifest {
  RunId run;
  Digest merge;
  Step cut_off = 0;
  std::vector<MergeMember> members = {};  ///< Whoever was to contribute.
  std::vector<NodeId> contributors = {};  ///< Members that are in every part of the model.
  std::vector<MergeSlice> slices = {};
  Digest model = {};
  std::vector<NodeId> attestations = {};
  std::uint32_t nodes_seen = 0;  ///< Nodes of the run that any member has ever heard of.
  bool partial = false;          ///< The contributors are too few for a quorum of these.
};
struct Merged {
  Manifest manifest;
  Evaluation quality;
  double distance = 0;  ///< L2 distance of this node's own parameters to the merged ones.
  double norm = 0;      ///< L2 norm of the merged parameters.
};
struct Warned {
  std::string text;
};
/// A neighbour that holds the same votes of steps below `step` holds another model: memory or a
/// program has failed on one side, or the neighbour lies.
struct Diverged {
  NodeId peer;
  Step step = 0;
  Digest own;
  Digest theirs;
};
/// Parameters [first, end) of one of the task's segments.
struct ParameterRange {
  std::string segment;
  std::size_t first = 0;
  std::size_t end = 0;
};
/// After Diverged the node has rebuilt its replica from its ledger. node: whose replica was wrong,
/// its own (now right) or the neighbour's; ranges: where, as narrow as is known.
struct DivergenceLocated {
  Step step = 0;
  NodeId node;
  std::vector<ParameterRange> ranges;
};
/// `author` signed two packets of votes with the number `packet`: its votes from there on count
/// nowhere.
struct Equivocated {
  NodeId author;
  std::uint64_t packet = 0;
};
/// The node has ended: `error` is empty after a clean end.
struct Stopped {
  std::string error;
};

using Event =
    std::variant<PeerJoined, PeerLost, StepsDone, Evaluated, Exchanged, Isolated, ContactFailed,
                 CaughtUp, SnapshotSaved, MergeStarted, Excluded, QuorumMissing, Merged, Warned,
                 Diverged, DivergenceLocated, Equivocated, Stopped>;

struct NeighbourStatus {
  NodeId id;
  std::string address;
  Step step = 0;
  double round_trip_ms = 0;
  std::string path = "unknown";  ///< By which it is reached: a name of path_kind.h.
};

/// What this node's votes may have told about any one of its samples: (epsilon, delta) differential
/// privacy (docs/LEDGER.md, Privacy).
struct PrivacyStatus {
  double epsilon = 0;      ///< Spent so far.
  double epsilon_max = 0;  ///< Where the node stops voting; 0: nowhere.
  double delta = 0;
};

/// A snapshot for people and programs.
struct NodeStatus {
  NodeId self;
  RunId run;
  Step step = 0;
  Step steps_total = 0;
  double loss = 0;
  double accuracy = 0;  ///< Of the last evaluation; NaN before the first.
  ///< joining, catching_up, training, waiting_for_merge, waiting_for_quorum, merging, done.
  std::string phase;
  std::vector<NeighbourStatus> neighbours;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t relayed_bytes = 0;  ///< Passed on between two others that cannot reach each other.
  std::string reach = "unknown";    ///< Of this node, as it believes: a name of path_kind.h.
  std::uint64_t exchanges = 0;
  std::uint64_t votes = 0;                ///< Cast by this node.
  std::optional<CaughtUp> caught_up;      ///< How this process did, if it joined a run under way.
  std::optional<SnapshotSaved> snapshot;  ///< Votes: the newest of this process.
  Step agreed_step = 0;                   ///< Votes: the newest step a neighbour confirmed.
  std::uint64_t divergences = 0;          ///< Votes: how often a neighbour's model was another.
  std::uint64_t equivocators = 0;         ///< Votes: authors proven to have signed two packets.
  std::optional<PrivacyStatus> privacy;   ///< Votes under noise.
  std::uint64_t nodes_present = 1;        ///< Of the run, as far as is known; this one included.
  std::uint64_t nodes_seen = 1;           ///< Ever; this one included.
  std::uint64_t quorum = 1;               ///< So many nodes make a merge final.
  std::string excluded;            ///< Why it gave nothing to the merge; empty: nothing wrong.
  std::uint64_t unreconciled = 0;  ///< Exchanges not yet known to be applied at both ends.
  std::map<std::string, std::uint64_t> rejected;  ///< Dropped input by reason.
};

}  // namespace starling
