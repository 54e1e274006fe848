#pragma once
// The processes of a testnet: one `starling join` per node, started, watched, killed as planned.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "node/cli/shard_map.h"
#include "node/cli/testnet_plan.h"
#include "node/cli/testnet_watch.h"
#include "node/invitation.h"
#include "node/runtime/child_process.h"
#include "node/runtime/listener.h"
#include "starling/instant.h"
#include "starling/result.h"

namespace starling::cli {

/// Killed nodes are the last ones of the start, joiners come after them; the ticket names the
/// first ones.
class Swarm {
 public:
  explicit Swarm(const TestnetPlan& plan) : plan_(plan) {}

  /// Opens all sockets before the first process starts, so that ports cannot be lost to others.
  [[nodiscard]] Result<void> start();

  /// Until every process has ended. show: called several times a second.
  /// Error: a node failed, nothing happened for minutes, Ctrl-C; all processes have ended then.
  [[nodiscard]] Result<void> run(const std::function<void()>& show);

  [[nodiscard]] std::span<const NodeWatch> nodes() const { return nodes_; }
  /// Of the nodes that live.
  [[nodiscard]] Step median_step() const;
  [[nodiscard]] std::filesystem::path directory_of(std::size_t node) const;

 private:
  [[nodiscard]] Result<runtime::Listener> prepare_node(std::size_t node) const;
  [[nodiscard]] Result<void> spawn(std::size_t node, const runtime::Listener& listener);
  [[nodiscard]] std::string pinned_neighbours(std::size_t node) const;
  [[nodiscard]] ShardMap shard_map() const;
  [[nodiscard]] Result<void> apply_changes();
  void kill_some();
  [[nodiscard]] Result<void> start_joiners();
  [[nodiscard]] Result<void> note(const runtime::ChildEvent& event);
  [[nodiscard]] Result<void> note_exit(const runtime::ChildExited& exit);
  void end_all();

  TestnetPlan plan_;
  NewRun made_;
  std::vector<std::string> addresses_;                          ///< Of the nodes at the start.
  std::vector<NodeWatch> nodes_;                                ///< By index, as children_.
  std::optional<runtime::ChildGroup> children_{std::in_place};  ///< Nothing after run().
  Instant started_;
  bool has_killed_ = false;
  bool has_joined_ = false;
};

}  // namespace starling::cli
