#pragma once
// A node that joins a run under way takes the state of a neighbour; a node that is asked gives its
// own, to a few at a time, so that no popular donor is crushed.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "node/core/bulk_progress.h"
#include "node/core/turn.h"
#include "protocol/wire/message.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::node {

class CatchUp {
 public:
  explicit CatchUp(Digest recipe) : recipe_(recipe) {}

  // --- The joiner ---

  /// Asks the next of `donors` that has not failed us yet.
  void ask(const std::vector<NodeId>& donors, Turn& turn);
  /// A state that we asked for goes to the learner, however late it comes; anything else is
  /// ignored.
  void receive(const NodeId& peer, protocol::Bulk&& state, Turn& turn);
  void receive(const NodeId& peer, const protocol::StateUnavailable& answer);
  void link_down(const NodeId& peer);
  /// A part of a state has come: no other donor is asked while it goes on.
  void progressed(const BulkProgressed& progress, Instant now);
  [[nodiscard]] Instant next_deadline() const { return awaited_ ? deadline_ : Instant::never(); }
  void tick(Instant now);

  // --- The donor ---

  void receive(const NodeId& peer, const protocol::StateRequest& request, bool can_give,
               Turn& turn);
  void saved(SaveStateDone&& done, Turn& turn);

 private:
  [[nodiscard]] bool is_asked(const NodeId& peer, std::uint64_t request) const;
  void give_up_waiting();

  struct Promise {
    NodeId peer;
    std::uint64_t request = 0;
  };

  Digest recipe_;
  std::optional<NodeId> awaited_;          ///< Of those asked: no other is asked meanwhile.
  std::map<NodeId, std::uint64_t> asked_;  ///< May still answer, to this request.
  std::set<NodeId> failed_;
  std::uint64_t request_ = 0;
  Instant deadline_ = Instant::never();
  std::map<std::uint64_t, Promise> promises_;  ///< By our own number of the SaveStateJob.
  std::uint64_t next_promise_ = 1;
};

}  // namespace starling::node
