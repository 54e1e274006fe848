#pragma once
// Signed commitments on their way to the proposer of a merge: each node passes them on to the
// neighbour that brought it the proposal, which is nearer to the proposer than itself.

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "protocol/effects.h"
#include "protocol/wire/announcement.h"
#include "starling/instant.h"

namespace starling::protocol {

class Commitments {
 public:
  struct Options {
    Digest merge;
    bool is_proposer = false;
    std::optional<NodeId> parent = {};  ///< The proposal came from there.
    /// Without a roster for so long, another neighbour is told too.
    Duration retry_time = std::chrono::seconds(5);
  };
  Commitments() = default;
  explicit Commitments(Options options) : options_(std::move(options)) {}

  /// A commitment whose signature is good. from: the neighbour that passed it on; nothing: our own.
  void take(const NodeId& author, const MergeCommitment& commitment, Bytes signed_bytes,
            const std::optional<NodeId>& from, Instant now);
  /// What the peer was told may be lost: all of it goes to another neighbour.
  void on_link_down(const NodeId& peer, Instant now);

  [[nodiscard]] const std::map<NodeId, MergeCommitment>& all() const { return commitments_; }
  [[nodiscard]] Instant next_deadline() const { return std::min(send_at_, retry_at_); }
  void tick(const std::set<NodeId>& linked, Instant now, Effects& effects);

 private:
  void send(const NodeId& peer, const std::vector<NodeId>& authors, Effects& effects) const;
  void tell_all_again(Instant when);
  [[nodiscard]] std::optional<NodeId> next_parent(const std::set<NodeId>& linked);

  Options options_;
  std::map<NodeId, MergeCommitment> commitments_;
  std::map<NodeId, Bytes> signed_;  ///< Of others and of this node, to be passed on; by author.
  std::vector<NodeId> due_;         ///< Authors that the parent has not been told of.
  std::set<NodeId> children_;       ///< They take us for nearer to the proposer.
  NodeId last_parent_;
  Instant send_at_ = Instant::never();
  Instant retry_at_ = Instant::never();
};

}  // namespace starling::protocol
