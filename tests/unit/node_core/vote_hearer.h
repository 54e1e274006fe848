#pragma once
// A voting node without a network: what it hears, and the model that comes of it.

#include <memory>
#include <utility>
#include <vector>

#include "node/core/trainer.h"
#include "tests/support/node_config.h"
#include "tests/support/vote_ledger.h"

namespace starling::node::test {

using Packet = std::pair<protocol::SignedAnnouncement, Bytes>;

/// As it comes off the wire.
[[nodiscard]] inline Packet packet_of(const Bytes& signed_bytes) {
  return {*protocol::open_announcement(signed_bytes, crypto::run_of(1)), signed_bytes};
}

/// A node that hears votes and casts none.
class Hearer {
 public:
  explicit Hearer(std::uint8_t key = 9) : config_(config(key)) {}

  void hear(const Packet& packet) {
    Turn turn(Instant{});
    trainer_->receive(packet.first, Bytes(packet.second), turn);
    finish(turn);
  }
  void meet(const NodeId& peer) {
    Turn turn(Instant{});
    trainer_->neighbour_up(peer, turn);
    finish(turn);
  }
  /// It begins with all of its steps done, and takes the digest of its model.
  void finish_steps() {
    Turn turn(Instant{});
    trainer_->start(testing::ledger_steps, turn);
    finish(turn);
  }
  /// Returns what it asks the peer for then.
  std::vector<protocol::VoteRangeRequest> hear(const NodeId& peer, protocol::Message message) {
    Turn turn(Instant{});
    sent_.clear();
    trainer_->receive(peer, std::move(message), turn);
    finish(turn);
    return sent<protocol::VoteRangeRequest>();
  }
  /// Messages to anyone since the last one heard from a peer.
  template <class Kind>
  [[nodiscard]] std::vector<Kind> sent() const {
    std::vector<Kind> messages;
    for (const protocol::Message& message : sent_) {
      if (const auto* kind = std::get_if<Kind>(&message)) messages.push_back(*kind);
    }
    return messages;
  }
  /// What a start reads from the log, before anything is heard.
  void restore(const std::vector<Bytes>& log) {
    for (const Bytes& bytes : log) {
      Turn turn(Instant{});
      trainer_->restore(*protocol::open_announcement(bytes, crypto::run_of(1)), bytes, turn);
      finish(turn);
    }
  }
  /// Begins from a snapshot, as a start with a checkpoint does before restore().
  void load(const protocol::SharedBytes& state) {
    Turn turn(Instant{});
    trainer_->load(state, turn);
    finish(turn);
  }
  /// A start with both: packets are restored while the snapshot is being loaded.
  void load_and_restore(const protocol::SharedBytes& state, const std::vector<Bytes>& log) {
    Turn turn(Instant{});
    trainer_->load(state, turn);
    for (const Bytes& bytes : log) {
      trainer_->restore(*protocol::open_announcement(bytes, crypto::run_of(1)), bytes, turn);
    }
    finish(turn);
  }
  [[nodiscard]] Digest model() const { return crypto::digest_of(learner_.model_bytes()); }
  [[nodiscard]] const std::vector<Bytes>& log() const { return log_; }
  /// Announcements made for others.
  [[nodiscard]] std::size_t announced() const { return announced_; }
  [[nodiscard]] const std::vector<Event>& events() const { return events_; }
  [[nodiscard]] NodeStatus status() const {
    NodeStatus status;
    trainer_->fill(status);
    return status;
  }
  [[nodiscard]] bool complete() const { return trainer_->complete(); }

 private:
  static Config config(std::uint8_t key) {
    Config config = testing::node_config(key, testing::ledger_recipe());
    config.steps_total = testing::ledger_steps;
    return config;
  }

  void finish(Turn& turn) {
    log_.insert(log_.end(), turn.vote_log.begin(), turn.vote_log.end());
    announced_ += turn.announcements.size();
    for (const protocol::Effect& effect : turn.effects.items) {
      const auto* send = std::get_if<protocol::SendTo>(&effect);
      if (send != nullptr) sent_.push_back(send->message);
    }
    events_.insert(events_.end(), turn.events.begin(), turn.events.end());
    for (LearnerJob& job : turn.jobs) {
      LearnerResult result = learner_.run(std::move(job));
      Turn next(Instant{});
      if (const auto* loaded = std::get_if<LoadStateDone>(&result)) {
        trainer_->loaded(*loaded, next);
      } else {
        trainer_->finished(result, next);
      }
      finish(next);
    }
  }

  Config config_;
  Roll roll_{RollOptions{}};
  std::unique_ptr<Trainer> trainer_ = make_trainer(config_, roll_);
  Learner learner_ = testing::ledger_learner();
  std::vector<Bytes> log_;
  std::vector<Event> events_;
  std::vector<protocol::Message> sent_;
  std::size_t announced_ = 0;
};

}  // namespace starling::node::test
