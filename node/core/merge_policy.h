#pragma once
// When, and by whom, the final merge is proposed: once every present node has done its steps, by
// the one with the lowest id; if that one stays silent, by the next after a while.

#include <optional>

#include "node/core/roll.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::node {

class MergePolicy {
 public:
  /// turn_time: how long each candidate waits for the one before it.
  MergePolicy(const NodeId& self, Duration turn_time) : self_(self), turn_time_(turn_time) {}

  /// True when this node is to propose now. Ask again whenever something has changed, and at
  /// next_deadline(). not_before: by then it has heard who is here.
  [[nodiscard]] bool is_due(const Roll& roll, Instant not_before, Instant now);
  [[nodiscard]] Instant next_deadline() const { return propose_at_; }
  void reset() { propose_at_ = Instant::never(); }
  /// A merge has failed: the next is proposed a turn later, or what broke this one breaks it too.
  void failed(Instant now) {
    reset();
    not_before_ = now + turn_time_;
  }

 private:
  NodeId self_;
  Duration turn_time_;
  Instant not_before_;
  Instant propose_at_ = Instant::never();
};

}  // namespace starling::node
