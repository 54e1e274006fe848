#pragma once
// Decides when this node computes and when it exchanges: one trainer for each clock of LEARNING.md.
// It sees neighbours, messages and finished jobs; it never sees a number of the model.

#include <cstdint>
#include <memory>
#include <utility>

#include "node/core/bulk_progress.h"
#include "node/core/config.h"
#include "node/core/roll.h"
#include "node/core/turn.h"
#include "protocol/wire/message.h"

namespace starling::node {

/// Others this far ahead make a newcomer a late joiner, who takes their state, and make one that
/// slept go on where they are.
inline constexpr Step late_by_steps = 20;

class Trainer {
 public:
  Trainer() = default;
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;
  Trainer(Trainer&&) = delete;
  Trainer& operator=(Trainer&&) = delete;
  virtual ~Trainer() = default;

  /// Training begins, or goes on, with local step `step`.
  virtual void start(Step step, Turn& turn) = 0;
  /// No further step or exchange is begun; what runs is completed (see settled()).
  virtual void stop(Turn& turn) = 0;

  virtual void neighbour_up(const NodeId& peer, Turn& turn) = 0;
  virtual void neighbour_down(const NodeId& peer, Turn& turn) = 0;
  /// The node is gone for good.
  virtual void give_up(const NodeId& peer, Turn& turn) = 0;

  /// A message or announcement that may concern training; others are ignored.
  virtual void receive(const NodeId& peer, protocol::Message&& message, Turn& turn) = 0;
  virtual void receive(const protocol::SignedAnnouncement& announcement, Bytes&& signed_bytes,
                       Turn& turn) {
    static_cast<void>(announcement);
    static_cast<void>(signed_bytes);
    static_cast<void>(turn);
  }
  /// An announcement that this node kept on disk (AppendVotes), before start(). Default: no other
  /// than one that arrives.
  virtual void restore(const protocol::SignedAnnouncement& announcement, Bytes signed_bytes,
                       Turn& turn) {
    receive(announcement, std::move(signed_bytes), turn);
  }
  /// Begins from a saved state; answered by loaded(). Before restore(), which may add to it.
  virtual void load(protocol::SharedBytes state, Turn& turn) {
    turn.jobs.emplace_back(LoadStateJob{std::move(state)});
  }
  virtual void loaded(const LoadStateDone& done, Turn& turn) {
    static_cast<void>(done);
    static_cast<void>(turn);
  }
  /// A state that the trainer wanted saved; it goes to the disk.
  virtual void saved(const SaveStateDone& done, Turn& turn) {
    static_cast<void>(done);
    static_cast<void>(turn);
  }
  virtual void finished(LearnerResult& result, Turn& turn) = 0;
  /// A part of a bulk message has come: the peer has not fallen silent.
  virtual void progressed(const BulkProgressed& progress, Turn& turn) {
    static_cast<void>(progress);
    static_cast<void>(turn);
  }

  [[nodiscard]] virtual Instant next_deadline() const = 0;
  virtual void tick(Turn& turn) = 0;

  [[nodiscard]] virtual Step step() const = 0;
  /// All steps are done.
  [[nodiscard]] virtual bool complete() const = 0;
  /// Nothing is half done: the replica may be contributed to a merge.
  [[nodiscard]] virtual bool settled() const = 0;
  /// It is fetching what others have: a merge has to wait for it.
  [[nodiscard]] virtual bool catching_up() const { return false; }
  /// A node that joins late takes the state of a neighbour; the ledger brings its own, and sees to
  /// its own snapshots.
  [[nodiscard]] virtual bool needs_state() const { return true; }
  virtual void fill(NodeStatus& status) const = 0;

  /// The model is evaluated once it is settled: after the exchange that its newest local steps wait
  /// for, and at once where none is to come. One that is wanted anew before then takes place now.
  void want_evaluation(Turn& turn);
  [[nodiscard]] bool wants_evaluation() const { return wants_evaluation_; }
  /// The model is being replaced: it is too late for the old one.
  void drop_evaluation() { wants_evaluation_ = false; }

 protected:
  /// An exchange is under way, or is to be begun, that will change the model.
  [[nodiscard]] virtual bool awaits_exchange() const { return false; }
  /// Local steps that are in the model when the jobs given out so far are done.
  [[nodiscard]] virtual Step model_step() const { return step(); }
  /// Where the model is settled.
  void evaluate_if_wanted(Turn& turn);

 private:
  bool wants_evaluation_ = false;
};

/// The trainer for the recipe's clock. `roll` outlives it.
[[nodiscard]] std::unique_ptr<Trainer> make_trainer(const Config& config, const Roll& roll);

}  // namespace starling::node
