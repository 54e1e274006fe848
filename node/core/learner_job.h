#pragma once
// What crosses the line between the network side and the computation: values in, values out.
// Jobs of one node run one after another in the order given. Peers appear only as opaque edge keys.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/merge/member_set.h"
#include "protocol/shared_bytes.h"
#include "protocol/wire/message.h"
#include "starling/ids.h"
#include "starling/task.h"

namespace starling::node {

// --- First-order recipes ---

/// Runs `count` local steps from `first`.
struct TrainJob {
  Step first = 0;
  std::uint32_t count = 1;
};
struct TrainDone {
  Step next = 0;
  double loss = 0;
  std::uint64_t samples = 0;
};

/// Encodes every lane's payload for an exchange or round.
struct EncodeJob {
  std::uint64_t number = 0;
  Step step = 0;
};
struct EncodeDone {
  std::uint64_t number = 0;
  protocol::SharedBytes payload;
};

/// A dense copy of what `peer` should hold of us (hat-copy memories): sent when an edge (re)opens.
struct ResyncJob {
  NodeId peer;
};
struct ResyncDone {
  NodeId peer;
  protocol::SharedBytes payload;
};

/// Takes such a copy from `peer`. The answer is a MixDone of number 0.
struct TakeCopyJob {
  NodeId peer;
  protocol::SharedBytes payload;
};

struct PeerPayload {
  NodeId peer;
  float weight = 0;  ///< The mixing weight w_ij, or 1/2 for a pair.
  protocol::SharedBytes payload;
};
/// Mixes payloads of one exchange or round with our own payload of the same number.
struct MixJob {
  std::uint64_t number = 0;
  protocol::SharedBytes own;
  std::vector<PeerPayload> peers;
};
/// rejected: peers whose payload did not decode; nothing of theirs was mixed.
struct MixDone {
  std::uint64_t number = 0;
  std::vector<NodeId> rejected;
};

/// The edge to `peer` is lost for good: its counters are taken out (LEARNING.md section 4).
struct DropEdgeJob {
  NodeId peer;
};

// --- Votes ---

/// Evaluates `count` probes of `step`'s directions on the present replica.
struct ProbeJob {
  Step step = 0;
  std::uint32_t first_probe = 0;
  std::uint32_t count = 64;
};
struct ProbeDone {
  Step step = 0;
  std::uint32_t first_probe = 0;
  Bytes codes;
  double loss = 0;
};

struct VoteBatch {
  NodeId author;
  Step step = 0;
  std::uint32_t first_probe = 0;
  Bytes codes;
  std::uint64_t packet = 0;  ///< The author's number of the packet that they came in.
};
/// Adds votes to the ledger's sum. The network side has removed duplicates and void packets.
struct ApplyVotesJob {
  std::vector<VoteBatch> batches;
};
struct ApplyVotesDone {
  std::uint64_t votes = 0;
};

/// The part of the ledger that a snapshot contains: of each author the packets below its count.
struct VoteCut {
  Step step = 0;  ///< All of its votes are of steps below.
  std::vector<protocol::VoteCount> packets;
  std::uint64_t votes = 0;
  std::vector<VoteBatch> without;  ///< What has been applied besides.
};

/// Digests the model as of the boundary before `step`. newer: all applied votes of `step` and
/// later.
struct CutDigestJob {
  Step step = 0;
  std::vector<VoteBatch> newer;
};
/// parts: the first 8 bytes of each part's digest (cut_parts.h).
struct CutDigestDone {
  Step step = 0;
  Digest model;
  std::vector<std::uint64_t> parts;
};

/// Computes the model anew from the start and from all packets, replaces the replica's by it, and
/// says where they differed. packets: signed, as the ledger keeps them. is_anew: the replica held
/// others, so that it tells nothing where it differed.
struct RebuildJob {
  std::vector<Bytes> packets;
  bool is_anew = false;
};
struct IndexRange {
  std::size_t first = 0;
  std::size_t end = 0;
};
/// changed: ascending; the last one covers what there was no room for.
struct RebuildDone {
  std::vector<IndexRange> changed;
  bool is_anew = false;
};

// --- Any recipe ---

/// step: local steps that are in the model.
struct EvaluateJob {
  Step step = 0;
};
struct EvaluateDone {
  Step step = 0;
  std::optional<Evaluation> evaluation;
  Digest model;
};

/// Training is over and an exchange has changed the model since it was evaluated: its digest is
/// computed now, so that the merge need not wait for it.
struct NameModelJob {};
struct NameModelDone {
  Digest model;
};

/// Training is over: the replica as it is now goes into a merge, by slices that are asked for.
struct ContributeJob {
  Digest merge;
};
/// digest: of the model, as in EvaluateDone. fault: why there is nothing to give (a parameter that
/// is not finite); the digest is then of no use.
struct ContributeDone {
  Digest merge;
  Digest digest;
  std::optional<std::string> fault = {};
};

/// A part of a slice of a merge: one member's values of weight `weight`, or if is_sum the sums of
/// weight times value of several such, whose weights add up to `weight`, in blocks
/// (protocol/merge/merge_block.h).
struct WeightedSlice {
  std::uint64_t weight = 1;
  bool is_sum = false;
  protocol::SharedBytes blocks;
};
/// The sum of parts of one slice; their order does not matter. own_weight: above 0, this node's own
/// part is among them; without others it is given as it is, without its weight.
struct SumSliceJob {
  Digest merge;
  std::uint32_t slice = 0;
  protocol::Member root = protocol::no_member;  ///< Where the sum is going.
  std::uint64_t own_weight = 0;
  std::vector<WeightedSlice> parts;
};
struct SumSliceDone {
  Digest merge;
  std::uint32_t slice = 0;
  protocol::Member root = protocol::no_member;
  protocol::SharedBytes blocks;
};
/// This node's own part of a slice, once more.
struct OwnSliceJob {
  Digest merge;
  std::uint32_t slice = 0;
  protocol::Member root = protocol::no_member;
};
struct OwnSliceDone {
  Digest merge;
  std::uint32_t slice = 0;
  protocol::Member root = protocol::no_member;
  protocol::SharedBytes blocks;
};
/// Weighted mean of parts of one slice; their order does not matter. own_weight: as in SumSliceJob.
struct AverageSliceJob {
  Digest merge;
  std::uint32_t slice = 0;
  std::uint64_t own_weight = 0;
  std::vector<WeightedSlice> parts;
};
/// data: 4 bytes a value, float32 or under votes int32 of unit 2^-24.
struct AverageSliceDone {
  Digest merge;
  std::uint32_t slice = 0;
  protocol::SharedBytes data;
  Digest digest;
};

/// Replaces the parameters by the merged ones: all slices in order with their digests; none: what
/// this node has given is the merged model.
struct AdoptJob {
  Digest merge;
  std::vector<protocol::SharedBytes> slices;
  std::vector<Digest> digests;
};
struct AdoptDone {
  Digest merge;
  Digest model;
  std::optional<Evaluation> evaluation;  ///< Of the merged model.
  std::optional<Evaluation> own;         ///< Of this node's own, just before it was replaced.
  Digest own_model;                      ///< As in EvaluateDone.
  double distance = 0;                   ///< L2 norm of (own parameters before - merged).
  double norm = 0;                       ///< L2 norm of the merged parameters.
};

/// The replica as a saved state (saved_state.h), for a joiner or, under votes, for the disk as
/// well: a first-order replica goes to the disk without such a copy (StoreState). cut: under votes.
struct SaveStateJob {
  bool for_joiner = false;
  std::uint64_t request = 0;
  VoteCut cut = {};
};
struct SaveStateDone {
  bool for_joiner = false;
  std::uint64_t request = 0;
  Step step = 0;
  protocol::SharedBytes state = {};
  Digest digest = {};         ///< Of `state`.
  Digest model = {};          ///< Of the replica as saved, as in EvaluateDone.
  std::uint64_t packets = 0;  ///< Contained, under votes.
  std::uint64_t votes = 0;
};
/// digest: what the state's bytes have to have, if set.
struct LoadStateJob {
  protocol::SharedBytes state;
  std::optional<Digest> digest = {};
};
/// error: why the state was refused (another recipe, another size, cut short); nothing was changed.
struct LoadStateDone {
  Step step = 0;
  std::optional<std::string> error;
  std::vector<protocol::VoteCount> packets = {};  ///< What the state contains, under votes.
  std::uint64_t votes = 0;
  Digest digest = {};  ///< Of the state's bytes.
};

/// The task threw, or training has ruined the model: the node stops with this message.
struct LearnerFailed {
  std::string message;
};

using LearnerJob =
    std::variant<TrainJob, EncodeJob, ResyncJob, TakeCopyJob, MixJob, DropEdgeJob, ProbeJob,
                 ApplyVotesJob, CutDigestJob, RebuildJob, EvaluateJob, NameModelJob, ContributeJob,
                 SumSliceJob, OwnSliceJob, AverageSliceJob, AdoptJob, SaveStateJob, LoadStateJob>;
struct DropEdgeDone {
  NodeId peer;
};
using LearnerResult =
    std::variant<TrainDone, EncodeDone, ResyncDone, MixDone, DropEdgeDone, ProbeDone,
                 ApplyVotesDone, CutDigestDone, RebuildDone, EvaluateDone, NameModelDone,
                 ContributeDone, SumSliceDone, OwnSliceDone, AverageSliceDone, AdoptDone,
                 SaveStateDone, LoadStateDone, LearnerFailed>;

}  // namespace starling::node
