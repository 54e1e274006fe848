#pragma once
// Who is in the run, as their signed announcements of presence say; the estimate that the start,
// the votes' pace and the final merge go by.

#include <cstddef>
#include <map>
#include <set>
#include <vector>

#include "protocol/announcement.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::node {

struct RollEntry {
  protocol::Presence presence;
  Instant heard_at;
};

class Roll {
 public:
  /// patience: silence after which a node no longer counts as present.
  explicit Roll(Duration patience) : patience_(patience) {}

  /// Returns true if the node was not known, or had left.
  bool heard(const NodeId& node, const protocol::Presence& presence, Instant now);

  /// Present others, ascending; not those that left or fell silent.
  [[nodiscard]] std::vector<NodeId> present(Instant now) const;
  [[nodiscard]] bool is_present(const NodeId& node, Instant now) const;
  /// Known, silent for `silence` or longer, not yet taken by this function: gone for good.
  [[nodiscard]] std::vector<NodeId> take_lost(Duration silence, Instant now);

  [[nodiscard]] const RollEntry* find(const NodeId& node) const;
  /// True if every present node says that its steps are done.
  [[nodiscard]] bool all_finished(Instant now) const;
  [[nodiscard]] Step highest_step(Instant now) const;

 private:
  [[nodiscard]] bool counts(const RollEntry& entry, Instant now) const;

  Duration patience_;
  std::map<NodeId, RollEntry> entries_;
  std::set<NodeId> lost_;
};

}  // namespace starling::node
