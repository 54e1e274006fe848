#pragma once
// A small ledger of signed votes, and a task to vote on, for tests of whatever keeps ledgers.

#include <memory>
#include <span>
#include <vector>

#include "crypto/digest.h"
#include "node/core/fixed_point.h"
#include "node/core/learner.h"
#include "node/core/ledger_replay.h"
#include "optim/vote_replica.h"
#include "protocol/wire/announcement.h"
#include "starling/rng.h"
#include "tests/support/crypto_keys.h"

namespace starling::testing {

inline constexpr std::size_t ledger_parameters = 200;
inline constexpr Step ledger_steps = 1000;

/// Half the squared distance to the vector of ones.
class SmallTask final : public Task {
 public:
  std::size_t parameter_count() const override { return ledger_parameters; }
  double loss(std::span<const float> parameters, const BatchKey&) override {
    double sum = 0;
    for (const float value : parameters) sum += 0.5 * (value - 1.0) * (value - 1.0);
    return sum;
  }
};

[[nodiscard]] inline optim::Recipe ledger_recipe() {
  return *optim::builtin_recipe("votes");
}

[[nodiscard]] inline node::Learner ledger_learner() {
  return std::move(*node::Learner::create({.recipe = ledger_recipe(),
                                           .run = crypto::run_of(1),
                                           .self = crypto::node_key(1).id(),
                                           .steps_total = ledger_steps},
                                          std::make_unique<SmallTask>()));
}

/// A vote packet, and its author by the number of its key.
struct CastVotes {
  std::uint8_t key = 1;
  protocol::VotePacket packet;

  [[nodiscard]] NodeId author() const { return crypto::node_key(key).id(); }
  [[nodiscard]] node::LedgerPacket cast() const { return {author(), packet}; }
  /// As its author broadcasts it.
  [[nodiscard]] Bytes signed_bytes() const {
    protocol::SignedAnnouncement announcement;
    announcement.author = author();
    announcement.content = packet;
    return protocol::sign_announcement(announcement, crypto::run_of(1), crypto::node_key(key));
  }
};

/// `count` packets with random codes: three authors (keys 1 to 3) in turn, each a step further.
[[nodiscard]] inline std::vector<CastVotes> random_votes(std::size_t count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<CastVotes> votes(count);
  for (std::size_t i = 0; i < count; ++i) {
    const Step step = i / 3;
    votes[i].key = static_cast<std::uint8_t>(1 + i % 3);
    votes[i].packet = {.packet = step,
                       .step = step,
                       .replica_step = step,
                       .first_probe = 0,
                       .codes = Bytes(1 + rng.below(16))};
    for (std::uint8_t& code : votes[i].packet.codes) code = static_cast<std::uint8_t>(rng.next());
  }
  return votes;
}

/// The model that the definition gives: the starting point and the votes of steps below `end`, one
/// after another.
[[nodiscard]] inline Digest sum_of(std::span<const CastVotes> votes, Step end = ledger_steps) {
  optim::VoteReplica replica(ledger_recipe(), crypto::run_of(1),
                             std::vector<float>(ledger_parameters), ledger_steps);
  for (const CastVotes& vote : votes) {
    const protocol::VotePacket& packet = vote.packet;
    const optim::VoteSpan span{vote.author(), packet.step, packet.first_probe, packet.codes};
    if (packet.step < end) replica.apply({&span, 1});
  }
  return crypto::digest_of(node::to_fixed_point(replica.grid()));
}

}  // namespace starling::testing
