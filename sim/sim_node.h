#pragma once
// One simulated node: the process (NodeCore and learner), what of it survives on disk, and what
// the checkers may know of it.

#include <deque>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "node/core/learner.h"
#include "node/core/node_core.h"
#include "sim/announcement_memo.h"
#include "sim/observation.h"
#include "sim/scenario.h"
#include "starling/result.h"

namespace starling::sim {

/// The run's name follows from its seed.
[[nodiscard]] RunId run_of(std::uint64_t seed);

class SimNode {
 public:
  /// The node as it comes out of the box: known to all by its id, not running. announcements:
  /// outlive the node.
  SimNode(const Scenario& scenario, std::uint64_t seed, std::uint32_t index,
          AnnouncementMemo& announcements);

  /// Another machine with this node's key. index: beyond all nodes.
  [[nodiscard]] SimNode copy_for(std::uint32_t index) const;
  void take_disk_of(const SimNode& original);

  [[nodiscard]] const NodeId& id() const { return key_.id(); }
  [[nodiscard]] bool is_running() const { return core_.has_value(); }
  /// Counts processes; what was under way for an older one is void.
  [[nodiscard]] std::uint64_t life() const { return life_; }
  /// Of the newest process.
  [[nodiscard]] std::uint64_t incarnation() const { return incarnation_; }

  /// A new process, with what is on the disk. Error: the task or the recipe refuses.
  [[nodiscard]] Result<std::vector<node::Output>> start(Instant now,
                                                        const std::vector<NodeId>& ids);
  /// The process is gone; the disk stays.
  void end();

  [[nodiscard]] std::vector<node::Output> handle(node::Input input, Instant now);
  /// Runs the job at once and says when its result is due.
  [[nodiscard]] std::pair<node::LearnerResult, Instant> compute(node::LearnerJob job, Instant now);
  void save(node::SaveCheckpoint&& output) { checkpoint_ = std::move(output.state); }
  /// The learner's state as it is now, and when it is on the disk.
  [[nodiscard]] std::pair<protocol::SharedBytes, Instant> store_state(Instant now);
  /// Which bulk messages the newest process takes.
  [[nodiscard]] const protocol::BulkBounds& bulk_bounds() const { return bulk_bounds_; }
  void save(node::SavePeers&& output) { peers_ = std::move(output.peers); }
  void save(node::AppendVotes&& output) { votes_.push_back(std::move(output.packet)); }
  void notice(const Event& event, Instant now);
  /// The process goes on after a pause.
  void wake(Instant now);
  [[nodiscard]] bool has_stopped() const { return seen_.has_stopped; }

  /// Turns over one bit of the replica's grid, drawn from the seed; nothing if it is not running.
  void flip_bit();
  /// A packet with other votes than the newest own one, signed under its number; nothing before the
  /// first.
  [[nodiscard]] std::optional<Bytes> fork_of_newest_packet() const;
  [[nodiscard]] std::vector<NodeId> neighbours(Instant now) const;
  /// Another process of this node's edges has ended: what came over the edge is not to cancel.
  void lose_edge(const NodeId& peer);
  [[nodiscard]] Observation observe(Instant now);
  /// As after the last exchange; without a neighbour, or before the first one, as it is. Requires
  /// is_running(), and a scenario with a curve.
  [[nodiscard]] std::vector<float> settled_model(Instant now) const;
  /// Of any model, on this node's task; NaN if the task has none. Requires is_running().
  [[nodiscard]] double accuracy_of(const std::vector<float>& model);
  [[nodiscard]] Step step(Instant now) const { return core_ ? core_->status(now).step : 0; }

  // --- Paused: what arrives waits ---
  bool is_paused = false;
  std::deque<node::Input> waiting;
  Instant progress_at = Instant::never();  ///< Of the last steps done, or of the end of a pause.

 private:
  void note_progress(Instant now);
  [[nodiscard]] node::Config config(const std::vector<NodeId>& ids) const;
  [[nodiscard]] std::uint64_t core_entropy() const;
  [[nodiscard]] crypto::Secret<32> privacy_secret() const;
  [[nodiscard]] Duration cost(const node::LearnerJob& job) const;
  [[nodiscard]] std::set<std::pair<NodeId, std::uint64_t>> packets_held() const;
  [[nodiscard]] std::set<std::pair<NodeId, std::uint64_t>> packets_on_disk() const;
  void look_at_replica(Instant now);
  void before(const node::LearnerJob& job, Instant now);
  void after(const node::LearnerResult& result);

  const Scenario& scenario_;
  AnnouncementMemo& announcements_;  ///< Of all nodes.
  std::uint64_t seed_;
  std::uint32_t index_;
  std::uint32_t original_;  ///< Whose key and data it has; its own index unless it is a copy.
  crypto::SigningKey key_;
  double slowness_ = 1;
  std::uint64_t life_ = 0;
  std::uint64_t incarnation_ = 0;
  std::optional<node::NodeCore> core_;
  std::optional<node::Learner> learner_;
  Instant compute_free_;
  protocol::SharedBytes checkpoint_;
  protocol::BulkBounds bulk_bounds_;
  node::RememberedPeers peers_;
  std::vector<Bytes> votes_;
  std::map<Digest, Bytes> contributions_;  ///< Of every process, by digest.
  Digest contribution_;                    ///< The last one.
  Observation seen_;
  std::vector<float> settled_;  ///< After the last exchange; empty: there was none.
};

}  // namespace starling::sim
