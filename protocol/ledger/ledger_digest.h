#pragma once
// Whether neighbours that hold the same votes hold the same model (docs/LEDGER.md, Divergence).
// Digests are taken of the model as of a step boundary, a cut: all votes of steps below it and no
// others. Two digests say something only if the sets of votes below the cut are equal too.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "protocol/effects.h"
#include "protocol/reject_reason.h"
#include "starling/ids.h"

namespace starling::protocol {

/// Names a set of packets whatever the order they came in: the sum of their digests modulo 2^256
/// (AdHash, Bellare and Micciancio 1997). Whoever finds two sets of one name, which is easier here
/// than for a plain digest, can cause a false alarm and nothing else.
class PacketSet {
 public:
  void add(const Digest& packet);
  /// Of a packet in the set.
  void remove(const Digest& packet);
  [[nodiscard]] Digest name() const;
  [[nodiscard]] std::uint64_t packets() const { return packets_; }

 private:
  std::array<std::uint64_t, 4> sum_{};  ///< Least significant word first.
  std::uint64_t packets_ = 0;
};

/// Our model at a cut, with the digests of its parts.
struct OwnCut {
  CutDigest whole;
  std::vector<std::uint64_t> parts;
  bool is_replaced = false;  ///< The model was found wrong; others may still ask where.
};

/// The models of two replicas with the same votes.
struct Comparison {
  NodeId peer;
  Step step = 0;
  Digest own;
  Digest theirs;
  [[nodiscard]] bool agrees() const { return own == theirs; }
};

class DigestBook {
 public:
  void neighbour_up(const NodeId& peer, Effects& effects);
  void neighbour_down(const NodeId& peer) { neighbours_.erase(peer); }

  /// Tells every neighbour, and compares with what they have told. To a neighbour that differs it
  /// sends the parts too.
  [[nodiscard]] std::vector<Comparison> add(OwnCut cut, Effects& effects);
  [[nodiscard]] std::optional<Comparison> receive(const NodeId& from, const CutDigest& cut,
                                                  Effects& effects);
  /// The indices of the parts in which the sender's model differs from ours, ascending; nothing if
  /// we hold no cut of the same votes. Error: another number of parts.
  [[nodiscard]] std::expected<std::vector<std::size_t>, RejectReason> differing(
      const CutParts& theirs) const;

  /// True if we hold as many packets below the same cut, and not the same: somebody has signed two
  /// under one number, or one side lies.
  [[nodiscard]] bool has_other_votes(const CutDigest& theirs) const;

  /// Our cuts were taken of a model that was wrong: they are not compared any more, and only tell
  /// others where we differed.
  void replace_own();

 private:
  [[nodiscard]] const OwnCut* find(Step step, const Digest& votes) const;
  static Comparison compare(const NodeId& peer, const OwnCut& own, const CutDigest& theirs,
                            Effects& effects);

  std::vector<OwnCut> own_;                              ///< At most cuts_kept_max, newest last.
  std::map<NodeId, std::vector<CutDigest>> neighbours_;  ///< Told, not compared yet; as many each.
};

}  // namespace starling::protocol
