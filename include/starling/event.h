#pragma once
// What a node tells its owner, in order of happening.

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "starling/ids.h"
#include "starling/task.h"

namespace starling {

struct PeerJoined {
  NodeId peer;
  std::string address;
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
/// The node has no neighbour left and keeps trying its address book.
struct Isolated {};
/// A joiner has taken over the run's state at `step`.
struct CaughtUp {
  Step step = 0;
};
struct MergeStarted {
  Digest merge;
};

struct MergeSlice {
  std::uint32_t index = 0;
  std::vector<NodeId> contributors;
  Digest digest;
};
struct MergeMember {
  NodeId id;
  std::uint64_t weight = 1;
  Step step = 0;
  Digest contribution;
};
/// Who contributed what to the merged model. `attestations`: members that signed the same model
/// digest.
struct Manifest {
  RunId run;
  Digest merge;
  Step cut_off = 0;
  std::vector<MergeMember> members;
  std::vector<MergeSlice> slices;
  Digest model;
  std::vector<NodeId> attestations;
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
/// The node has ended: `error` is empty after a clean end.
struct Stopped {
  std::string error;
};

using Event = std::variant<PeerJoined, PeerLost, StepsDone, Evaluated, Exchanged, Isolated,
                           CaughtUp, MergeStarted, Merged, Warned, Stopped>;

struct NeighbourStatus {
  NodeId id;
  std::string address;
  Step step = 0;
  double round_trip_ms = 0;
};

/// A snapshot for people and programs.
struct NodeStatus {
  NodeId self;
  RunId run;
  Step step = 0;
  Step steps_total = 0;
  double loss = 0;
  double accuracy = 0;  ///< Of the last evaluation; NaN before the first.
  std::string phase;    ///< joining, catching_up, training, waiting_for_merge, merging, done.
  std::vector<NeighbourStatus> neighbours;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t exchanges = 0;
  std::uint64_t votes = 0;         ///< Cast by this node.
  std::uint64_t unreconciled = 0;  ///< Exchanges not yet known to be applied at both ends.
  std::map<std::string, std::uint64_t> rejected;  ///< Dropped input by reason.
};

}  // namespace starling
