#pragma once
// Signed statements of one node to all: the bodies of broadcasts. Signed once by the author,
// checked by every receiver over the bytes as received, forwarded unchanged.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "crypto/signature.h"
#include "protocol/overlay/path_kind.h"
#include "protocol/reject_reason.h"
#include "protocol/wire/message.h"
#include "starling/ids.h"
#include "starling/result.h"

namespace starling::protocol {

/// "I am in this run, at this step": the membership estimate and the merge's readiness come from
/// it.
struct Presence {
  std::string address;
  std::uint64_t incarnation = 0;
  Step step = 0;
  bool finished = false;  ///< All its steps are done; it waits for the merge.
  bool leaving = false;
  std::uint64_t rival = 0;       ///< Another process of this node that this one knows of; 0: none.
  Reach reach = Reach::unknown;  ///< Whether others can dial this node, as it believes.
  bool merged = false;           ///< It has the merged model, and needs nobody any more.
  friend bool operator==(const Presence&, const Presence&) = default;
};

/// One-byte votes of one author for one step (LEDGER.md). `packet` counts the author's packets from
/// 0.
struct VotePacket {
  std::uint64_t packet = 0;
  Step step = 0;  ///< The step whose directions the probes used.
  Step replica_step =
      0;  ///< The step of the replica they were evaluated on: decides the validity window.
  std::uint32_t first_probe = 0;
  Bytes codes;  ///< One byte per probe.
  friend bool operator==(const VotePacket&, const VotePacket&) = default;
};

/// Opens a final merge.
struct MergeProposal {
  Digest merge;  ///< Random name of this merge.
  Step cut_off = 0;
  std::uint64_t deadline_ms = 0;  ///< Time to answer, from receipt.
  std::uint32_t nodes_seen = 0;   ///< Nodes of this run that the proposer has ever heard of.
  bool accepts_partial = false;   ///< Final also where most of these are missing.
  friend bool operator==(const MergeProposal&, const MergeProposal&) = default;
};

/// "I take part with this vector." Not broadcast: it travels to the proposer in MergeCommitments.
struct MergeCommitment {
  Digest merge;
  std::uint64_t weight = 1;
  Step step = 0;
  Digest digest;  ///< Of the fixed-point vector contributed.
  std::uint32_t nodes_seen = 0;
  std::vector<NodeId> neighbours;  ///< Those linked with the author: the edges of the merge.
  friend bool operator==(const MergeCommitment&, const MergeCommitment&) = default;
};

/// The proposer's cut: who is in says the roster of this digest, which neighbours give
/// (MergeRosterRequest).
struct MergeRoster {
  Digest merge;
  std::uint32_t members = 0;
  Digest digest;
  friend bool operator==(const MergeRoster&, const MergeRoster&) = default;
};

/// Roots' words on slices, all with the same contributors (a MemberSet's bytes).
struct MergeResults {
  Digest merge;
  Bytes contributors;
  std::vector<std::uint32_t> slices;
  std::vector<Digest> digests;  ///< Parallel to `slices`.
  friend bool operator==(const MergeResults&, const MergeResults&) = default;
};

/// How the author's links differ from the roster's edges now. Numbers are the roster's members.
struct MergeLinks {
  Digest merge;
  std::uint64_t number = 0;  ///< The author's latest word counts.
  bool observes = false;     ///< It has nothing to give, having restarted: not to be waited for.
  std::vector<std::uint16_t> up;
  std::vector<std::uint16_t> down;
  friend bool operator==(const MergeLinks&, const MergeLinks&) = default;
};

/// The author, a root, lacks the parts of these members (a MemberSet's bytes) in these slices.
struct MergeRecall {
  Digest merge;
  Bytes missing;
  std::vector<std::uint32_t> slices;
  friend bool operator==(const MergeRecall&, const MergeRecall&) = default;
};

/// The end of a merge: these members (a MemberSet's bytes) hold the merged model of this digest.
struct MergeClosed {
  Digest merge;
  Digest model;
  Bytes members;
  friend bool operator==(const MergeClosed&, const MergeClosed&) = default;
};

/// Two packets of votes that `author` signed under one number. Their two signatures prove it, so
/// that the announcement has none of its own and the same bytes whoever makes it. All of the
/// author's packets from that number on are void everywhere (LEDGER.md).
struct EquivocationProof {
  NodeId author;
  std::uint64_t packet = 0;
  Bytes first;   ///< As broadcast, signature included.
  Bytes second;  ///< Likewise, and greater than `first` byte by byte.
  friend bool operator==(const EquivocationProof&, const EquivocationProof&) = default;
};

/// A kind that only newer versions know: forwarded, otherwise ignored, never made here.
struct UnknownAnnouncement {
  friend bool operator==(const UnknownAnnouncement&, const UnknownAnnouncement&) = default;
};

using Announcement =
    std::variant<Presence, VotePacket, MergeProposal, MergeCommitment, MergeRoster, MergeResults,
                 MergeClosed, MergeLinks, MergeRecall, EquivocationProof, UnknownAnnouncement>;

struct SignedAnnouncement {
  NodeId author;
  /// Of this author and incarnation; makes equal statements distinct. Votes and proofs travel
  /// without it (0): the packet's number does that for them.
  std::uint64_t sequence = 0;
  Announcement content;
  friend bool operator==(const SignedAnnouncement&, const SignedAnnouncement&) = default;
};

/// Encodes and signs. Bytes: body ‖ 64-byte signature over (context ‖ run ‖ body); of an
/// EquivocationProof the body alone.
[[nodiscard]] Bytes sign_announcement(const SignedAnnouncement& announcement, const RunId& run,
                                      const crypto::SigningKey& key);

/// Decodes and verifies; the author's key is inside. Error: why the author or the carrier is to
/// blame.
[[nodiscard]] std::expected<SignedAnnouncement, RejectReason> open_announcement(ByteSpan bytes,
                                                                                const RunId& run);

/// Decodes bytes that open_announcement() has accepted before, without verifying them again.
[[nodiscard]] std::expected<SignedAnnouncement, RejectReason> reopen_announcement(ByteSpan bytes);

/// What two signed packets prove; nothing unless they are of one author, have one number and differ
/// in what was signed. Their signatures are not looked at: open_announcement() does that.
[[nodiscard]] std::optional<EquivocationProof> prove_equivocation(Bytes one, Bytes other);

/// The name under which Plumtree knows these bytes: the first 16 bytes of their digest.
[[nodiscard]] BroadcastId broadcast_id_of(ByteSpan bytes);

}  // namespace starling::protocol
