#pragma once
// A node directory as the ledger that it holds: read, never written, whether its node runs or not.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "node/core/ledger_replay.h"
#include "node/core/saved_state.h"
#include "node/invitation.h"
#include "starling/result.h"
#include "starling/task.h"

namespace starling::cli {

struct LedgerDirectory {
  Invitation invitation;
  /// What to begin with: the starting point, or a snapshot where the log has not all packets since.
  node::SavedState base;
  std::vector<Segment> segments;  ///< The task's, where the recipe has factors for them.
  /// In order of arrival, signatures verified; none that a proof in the log voids.
  std::vector<node::LedgerPacket> packets;
  std::map<NodeId, std::uint64_t> voided_from;  ///< Packet numbers, by author convicted.
  std::string note;  ///< What is worth saying about the log; mostly empty.

  [[nodiscard]] node::LedgerReplayOptions replay_options() const;
};

/// Error: no node has joined in `path`, its run has no ledger (invalid_input); a damaged file, a
/// record that its author did not sign, a packet that is missing (failure), each named.
[[nodiscard]] Result<LedgerDirectory> open_ledger(const std::filesystem::path& path);

/// All packets added, none applied.
[[nodiscard]] Result<node::LedgerReplay> replay_of(const LedgerDirectory& ledger);

}  // namespace starling::cli
