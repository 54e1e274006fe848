#pragma once
// The ranges of votes that a ledger has asked its neighbours for: at most one for each author, and
// each for as long as that neighbour's answers may take.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "protocol/wire/message.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::protocol {

class VoteRequests {
 public:
  /// interval_scale: times every interval of limits.h; > 0.
  explicit VoteRequests(double interval_scale);

  /// `peer` is being asked for `range`.
  void asked(const NodeId& peer, const VoteRangeRequest& range, Instant now);
  /// Something came from `peer`: what of its requests is held now has been answered.
  void answered(const NodeId& peer, Instant now,
                const std::function<bool(const NodeId& author, std::uint64_t packet)>& is_held);
  /// Gives up what is overdue. Whoever asks again on a full link asks for the same bytes twice, and
  /// the link gets fuller: the patience with that peer doubles, up to vote_answer_time_max, as that
  /// of TCP does (RFC 6298, section 5.5).
  void expire(Instant now);

  /// A link that is gone: what was asked on it does not come, and the next one may be faster.
  void forget_peer(const NodeId& peer);
  void forget_author(const NodeId& author) { requests_.erase(author); }
  void clear() { requests_.clear(); }

  [[nodiscard]] bool has(const NodeId& author) const { return requests_.contains(author); }
  [[nodiscard]] std::size_t unanswered_by(const NodeId& peer) const;
  /// By which sources of the same packets compare: how many requests one has to answer, and how
  /// long it has taken lately.
  [[nodiscard]] std::pair<std::size_t, Duration> load_of(const NodeId& peer) const;
  /// Something has been asked for, and may still come.
  [[nodiscard]] bool are_open(Instant now) const;

 private:
  struct Request {
    NodeId peer;
    std::uint64_t first = 0;
    Instant asked_at;
    Instant deadline;
  };

  Duration usual_time_;
  Duration time_max_;
  std::map<NodeId, Request> requests_;      ///< By author.
  std::map<NodeId, Duration> answer_time_;  ///< By peer, where it is known to be slow.
};

}  // namespace starling::protocol
