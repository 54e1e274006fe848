#pragma once
// Who is in the run, as their signed announcements of presence say; the estimate that the start,
// the votes' pace and the final merge go by. Asked at every input, so nothing here looks at all
// entries; ADR 0016 says how the intervals grow with the flock.

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "protocol/wire/announcement.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::node {

struct RollEntry {
  protocol::Presence presence;
  Instant heard_at;
  bool is_present = false;
};

struct RollOptions {
  std::uint32_t nodes_expected = 1;
  Duration patience{0};    ///< Silence after which a node no longer counts as present.
  Duration gone_after{0};  ///< Silence after which it is given up for good.
};

class Roll {
 public:
  explicit Roll(const RollOptions& options) : options_(options) {}

  /// Lets those go that have been silent too long. Call before any question at a new time.
  void advance(Instant now);
  /// Returns true if the node was not known, or had left. now: not before the last advance().
  bool heard(const NodeId& node, const protocol::Presence& presence, Instant now);

  /// Its link ended with the word that it leaves, which an announcement may not have brought yet.
  void said_farewell(const NodeId& node, Instant now);

  /// Present others, ascending; not those that left or fell silent.
  [[nodiscard]] const std::set<NodeId>& present() const { return present_; }
  /// Those that left, or fell silent for good, since the last call.
  [[nodiscard]] std::vector<NodeId> take_lost() { return std::exchange(lost_, {}); }

  [[nodiscard]] const RollEntry* find(const NodeId& node) const;
  /// Counts a node in that an earlier process of this node has seen in the run.
  void remember(const NodeId& node);
  /// True if this process has heard of anybody, present or not.
  [[nodiscard]] bool has_heard() const { return !entries_.empty(); }
  /// Other nodes ever seen in the run, ascending: present, silent, or gone.
  [[nodiscard]] const std::set<NodeId>& seen() const { return seen_; }
  /// When a node last came, left, or fell silent.
  [[nodiscard]] Instant changed_at() const { return changed_at_; }
  /// True if every present node says that its steps are done.
  [[nodiscard]] bool all_finished() const { return unfinished_ == 0; }
  /// Of the present nodes; 0 if there is none.
  [[nodiscard]] Step highest_step() const { return steps_.empty() ? 0 : steps_.rbegin()->first; }

  /// What every interval of presence is multiplied by: at least 1, and growing with the flock, so
  /// that all announcements together stay at the rate of a small one.
  [[nodiscard]] double stretch() const;

 private:
  using ByAge = std::set<std::pair<Instant, NodeId>>;

  void arrive(const NodeId& node, RollEntry& entry);
  void depart(const NodeId& node, RollEntry& entry);
  /// Takes those out of `queue` that were last heard before `limit`.
  [[nodiscard]] static std::vector<NodeId> take_older(ByAge& queue, Instant limit);

  RollOptions options_;
  std::map<NodeId, RollEntry> entries_;
  std::set<NodeId> seen_;
  std::set<NodeId> present_;
  ByAge present_by_age_;
  ByAge silent_by_age_;                ///< Silent, not given up yet.
  std::map<Step, std::size_t> steps_;  ///< Present nodes by their step.
  std::size_t unfinished_ = 0;         ///< Present nodes with steps to do.
  std::vector<NodeId> lost_;
  Instant changed_at_;
};

}  // namespace starling::node
