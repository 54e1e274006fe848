#pragma once
// The protocol's vocabulary as plain values. wire.h turns each into bytes and back; nothing else
// knows the encoding. Adding a message: a struct here, its place in Message, a struct and a union
// member (appended) in schema.capnp, and two functions in wire_message.cpp.

#include <array>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/shared_bytes.h"
#include "protocol/wire/overlay_message.h"
#include "protocol/wire/reach_message.h"
#include "starling/ids.h"

namespace starling::protocol {

// --- Session: consumed by Session itself, never seen by NodeCore ---

enum class CloseReason : std::uint8_t {
  normal,
  shutting_down,
  duplicate_link,
  too_many_links,
  misbehaviour,
  timed_out,
  connection_lost,     // never sent: the socket broke
  duplicate_identity,  // another process of the same node lives
  other_model,         // the two ends train models of different forms
  unknown,
};
inline constexpr std::array<std::string_view, 10> close_reason_names = {
    "normal",    "shutting_down",   "duplicate_link",     "too_many_links", "misbehaviour",
    "timed_out", "connection_lost", "duplicate_identity", "other_model",    "unknown"};
[[nodiscard]] constexpr std::string_view name_of(CloseReason reason) {
  return close_reason_names[static_cast<std::size_t>(reason)];
}
/// An explicit farewell, because Noise cannot see truncation.
struct Close {
  CloseReason reason = CloseReason::normal;
  friend bool operator==(const Close&, const Close&) = default;
};
/// Lets the peer send `bytes` more of bulk.
struct Credit {
  std::uint64_t bytes = 0;
  friend bool operator==(const Credit&, const Credit&) = default;
};

// --- What is trained ---

/// The sender's model and the form of its samples: the first message of both ends of a link, for
/// the numbers of models of another form do not belong together.
struct ModelForm {
  std::uint64_t parameters = 0;
  Digest layout;               ///< Of the names, places and shapes of the parameters.
  std::uint32_t features = 0;  ///< Of a sample; 0: the task does not say.
  std::uint32_t classes = 0;   ///< Likewise.
  friend bool operator==(const ModelForm&, const ModelForm&) = default;
};

// --- Exchange of payloads between neighbours ---

/// Sent by both ends when a link opens: how far each has applied the other's payloads, so that an
/// exchange applied at one end only can be completed (LEARNING.md section 4).
struct EdgeHello {
  std::uint64_t incarnation = 0;       ///< Fresh in every process: lost state is recognised by it.
  std::uint64_t peer_incarnation = 0;  ///< The incarnation last seen of the peer; 0: never met.
  std::uint64_t applied = 0;           ///< Highest exchange number applied on this edge.
  Step step = 0;
  friend bool operator==(const EdgeHello&, const EdgeHello&) = default;
};
struct ExchangeOffer {
  std::uint64_t exchange = 0;
  Step step = 0;
  friend bool operator==(const ExchangeOffer&, const ExchangeOffer&) = default;
};
struct ExchangeAccept {
  std::uint64_t exchange = 0;
  Step step = 0;
  friend bool operator==(const ExchangeAccept&, const ExchangeAccept&) = default;
};
struct ExchangeBusy {
  std::uint64_t exchange = 0;
  friend bool operator==(const ExchangeBusy&, const ExchangeBusy&) = default;
};
/// `exchange` has been mixed into the sender's model.
struct ExchangeApplied {
  std::uint64_t exchange = 0;
  friend bool operator==(const ExchangeApplied&, const ExchangeApplied&) = default;
};

/// Agrees on the first round that includes this edge. The node with the lower id proposes, the
/// other answers with the later of that and its own next round, which is final (round_exchange.h).
struct RoundOpen {
  std::uint64_t round = 0;
  bool final = false;
  friend bool operator==(const RoundOpen&, const RoundOpen&) = default;
};

/// How far the sender's local steps are; lets faster neighbours keep within the recipe's lead.
struct Progress {
  Step step = 0;
  friend bool operator==(const Progress&, const Progress&) = default;
};

/// What a bulk message holds.
enum class BulkKind : std::uint8_t {
  pair_payload,
  round_payload,
  hat_copy,  ///< What the receiver is to hold of the sender, before the first round of their edge.
  merge_part,    ///< What a subtree adds to a slice of a merge (merge_part.h).
  merged_slice,  ///< A slice of the merged vector.
  state,
  merge_roster  ///< roster.h
};
inline constexpr std::array<std::string_view, 7> bulk_kind_names = {
    "pair_payload", "round_payload", "hat_copy",    "merge_part",
    "merged_slice", "state",         "merge_roster"};
[[nodiscard]] constexpr std::string_view name_of(BulkKind kind) {
  return bulk_kind_names[static_cast<std::size_t>(kind)];
}

/// A bulk message: a payload of the learner or a piece of model state, opaque to the network side.
/// `number` is the exchange, round, merge slice or request it belongs to, by kind.
struct Bulk {
  BulkKind kind = BulkKind::pair_payload;
  std::uint64_t number = 0;
  Step step = 0;
  std::uint32_t degree = 0;  ///< round_payload: neighbours of the sender in that round.
  Digest context;            ///< The recipe's digest, the merge id, or the state's digest, by kind.
  SharedBytes data;
  friend bool operator==(const Bulk&, const Bulk&) = default;
};

/// Announces a Bulk whose `bytes` bytes of data follow as raw frames. Made and consumed by Session.
struct BulkHeader {
  BulkKind kind = BulkKind::pair_payload;
  std::uint64_t number = 0;
  Step step = 0;
  std::uint32_t degree = 0;
  Digest context;
  std::uint64_t bytes = 0;
  friend bool operator==(const BulkHeader&, const BulkHeader&) = default;
};

/// Asks for the sender's newest model state (a joiner); answered by Bulk{state} or
/// StateUnavailable.
struct StateRequest {
  std::uint64_t request = 0;
  friend bool operator==(const StateRequest&, const StateRequest&) = default;
};
struct StateUnavailable {
  std::uint64_t request = 0;
  friend bool operator==(const StateUnavailable&, const StateUnavailable&) = default;
};

/// Which snapshot the receiver could give (a joiner of a voting run); answered by StateOffer.
struct StateQuery {
  std::uint64_t request = 0;
  friend bool operator==(const StateQuery&, const StateQuery&) = default;
};
/// The snapshot that a StateRequest would bring now. Nodes with the same votes make the same bytes,
/// so equal digests of several neighbours vouch for it.
struct StateOffer {
  std::uint64_t request = 0;
  Step step = 0;              ///< It contains votes of steps below this only.
  std::uint64_t packets = 0;  ///< So many.
  std::uint64_t bytes = 0;    ///< 0: there is none.
  Digest state;
  bool has_whole_ledger = false;  ///< Every packet since step 0 can be fetched from the sender.
  friend bool operator==(const StateOffer&, const StateOffer&) = default;
};

// --- Votes (the ledger) ---

struct VoteCount {
  NodeId author;
  std::uint64_t packets = 0;
  friend bool operator==(const VoteCount&, const VoteCount&) = default;
};
/// The version vector: for each author, how many of its packets are held without a gap.
struct VoteVector {
  std::vector<VoteCount> counts;  ///< Those that changed since the last one over this link.
  bool wants_reply = false;
  Digest digest;          ///< Of the whole vector: LedgerSync::digest().
  bool is_probe = false;  ///< Without counts; vectors are exchanged only if the digests differ.
  friend bool operator==(const VoteVector&, const VoteVector&) = default;
};
/// Asks for packets [first, first + count) of one author.
struct VoteRangeRequest {
  NodeId author;
  std::uint64_t first = 0;
  std::uint32_t count = 0;
  friend bool operator==(const VoteRangeRequest&, const VoteRangeRequest&) = default;
};
/// Signed vote announcements, byte for byte as their authors broadcast them.
struct VoteRange {
  std::vector<Bytes> packets;
  friend bool operator==(const VoteRange&, const VoteRange&) = default;
};

/// The sender's model as of a step boundary: `model` is its digest with all of its votes of steps
/// below `step`, and no others; `votes` names that set, whatever its order (ledger_digest.h).
struct CutDigest {
  Step step = 0;
  std::uint64_t packets = 0;  ///< In the set.
  Digest votes;
  Digest model;
  friend bool operator==(const CutDigest&, const CutDigest&) = default;
};
/// The digests of the parts of such a model, 8 bytes of each: where two models differ.
struct CutParts {
  Step step = 0;
  Digest votes;
  std::vector<std::uint64_t> parts;
  friend bool operator==(const CutParts&, const CutParts&) = default;
};

// --- Final merge, between linked nodes; what concerns all is announced ---

/// Asks for the merged slice of this digest; answered by Bulk{merged_slice}, as soon as it is here.
struct MergeSliceRequest {
  Digest merge;
  std::uint32_t slice = 0;
  Digest digest;
  friend bool operator==(const MergeSliceRequest&, const MergeSliceRequest&) = default;
};
/// On their way to the proposer: signed MergeCommitment announcements, as their authors made them.
struct MergeCommitments {
  Digest merge;
  std::vector<Bytes> signed_commitments;
  friend bool operator==(const MergeCommitments&, const MergeCommitments&) = default;
};
/// Answered by Bulk{merge_roster}, as soon as it is here.
struct MergeRosterRequest {
  Digest merge;
  friend bool operator==(const MergeRosterRequest&, const MergeRosterRequest&) = default;
};
/// "These members hold this model", on its way to the proposer. members: a MemberSet's bytes.
struct MergeAttested {
  Digest merge;
  Digest model;
  Bytes members;
  friend bool operator==(const MergeAttested&, const MergeAttested&) = default;
};

// --- Newcomers ---

/// A newcomer knows the run only by its id; answered by Description, once for each link.
struct DescriptionRequest {
  friend bool operator==(const DescriptionRequest&, const DescriptionRequest&) = default;
};
/// The run's description, whose digest is the run's id.
struct Description {
  Bytes text;
  friend bool operator==(const Description&, const Description&) = default;
};

/// Every message that can travel. The order is that of the union in schema.capnp, where Bulk alone
/// has no place: it travels as a BulkHeader and raw frames.
using Message =
    std::variant<Close, Credit, BulkHeader, Join, ForwardJoin, NeighbourRequest, NeighbourReply,
                 LeaveView, Shuffle, ShuffleReply, Ping, Pong, IndirectPing, IndirectPong, Gossip,
                 IHave, Graft, Prune, EdgeHello, ExchangeOffer, ExchangeAccept, ExchangeBusy,
                 ExchangeApplied, RoundOpen, Bulk, StateRequest, StateUnavailable, VoteVector,
                 VoteRangeRequest, VoteRange, MergeSliceRequest, Progress, StateQuery, StateOffer,
                 CutDigest, CutParts, DescriptionRequest, Description, IdentityChallenge,
                 IdentityProof, MergeCommitments, MergeRosterRequest, MergeAttested,
                 ObservedAddress, DialBackRequest, DialBackReply, Rendezvous, CircuitOpen,
                 CircuitData, CircuitCredit, CircuitClose, GossipBatch, ModelForm>;

}  // namespace starling::protocol
