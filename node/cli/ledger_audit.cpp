#include "node/cli/ledger_audit.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <span>
#include <utility>

#include "node/core/learner.h"
#include "node/seat.h"
#include "optim/ledger/vote_code.h"
#include "protocol/ledger/ledger_sync.h"
#include "starling/rng.h"

namespace starling::cli {
namespace {

using protocol::VotePacket;

/// `count` of the author's packets that can be recomputed, ascending by the step of their replica.
std::vector<const VotePacket*> choose(const LedgerDirectory& ledger, const NodeId& author,
                                      const AuditOptions& options) {
  std::vector<const VotePacket*> chosen;
  for (const node::LedgerPacket& cast : ledger.packets) {
    const bool is_known = cast.packet.replica_step >= ledger.base.step;
    if (cast.author == author && is_known) chosen.push_back(&cast.packet);
  }
  Rng rng(options.seed);
  rng.shuffle(std::span(chosen));
  chosen.resize(std::min(chosen.size(), options.packets));
  std::ranges::sort(chosen, {}, [](const VotePacket* packet) { return packet->replica_step; });
  return chosen;
}

/// All votes of the ledger by step, without those that the base contains.
std::map<Step, std::vector<node::VoteBatch>> votes_by_step(const LedgerDirectory& ledger) {
  std::map<NodeId, std::uint64_t> contained;
  for (const auto& [author, packets] : std::get<node::LedgerState>(ledger.base.values).packets) {
    contained[author] = packets;
  }
  std::map<Step, std::vector<node::VoteBatch>> steps;
  for (const auto& [author, packet] : ledger.packets) {
    const auto end = contained.find(author);
    if (end != contained.end() && packet.packet < end->second) continue;
    if (protocol::is_void(packet, ledger.invitation.run.recipe.ledger().window_steps)) continue;
    steps[packet.step].push_back({author, packet.step, packet.first_probe, packet.codes});
  }
  return steps;
}

/// Correlation of two series that are around zero, from their sums.
class Comparison {
 public:
  void add(std::uint8_t claimed, std::uint8_t computed) {
    const double x = optim::decode_vote(claimed);
    const double y = optim::decode_vote(computed);
    xx_ += x * x;
    yy_ += y * y;
    xy_ += x * y;
    votes_ += 1;
    agreeing_ += (x < 0) == (y < 0) ? 1 : 0;
  }

  [[nodiscard]] std::size_t votes() const { return votes_; }
  /// NaN if one of the series is all zero.
  [[nodiscard]] double correlation() const { return xy_ / std::sqrt(xx_ * yy_); }
  [[nodiscard]] double sign_agreement() const {
    return static_cast<double>(agreeing_) / static_cast<double>(votes_);
  }

 private:
  double xx_ = 0;
  double yy_ = 0;
  double xy_ = 0;
  std::size_t votes_ = 0;
  std::size_t agreeing_ = 0;
};

Result<node::Learner> learner_of(const LedgerDirectory& ledger, const NodeId& author,
                                 std::unique_ptr<Task> task) {
  const RunDescription& run = ledger.invitation.run;
  auto learner = node::Learner::create({.recipe = run.recipe,
                                        .run = ledger.invitation.ticket.run,
                                        .self = author,
                                        .steps_total = run.steps,
                                        .model_seed = run.seed,
                                        .data_seed = data_seed(run.seed, author),
                                        .task_name = run.task},
                                       std::move(task));
  if (!learner) return learner;
  const auto loaded = std::get<node::LoadStateDone>(
      learner->run(node::LoadStateJob{node::encode_saved_state(ledger.base)}));
  if (loaded.error) return invalid_input(*loaded.error);
  return learner;
}

}  // namespace

std::vector<NodeId> authors_of(const LedgerDirectory& ledger) {
  std::set<NodeId> authors;
  for (const node::LedgerPacket& cast : ledger.packets) authors.insert(cast.author);
  return {authors.begin(), authors.end()};
}

Result<AuditedAuthor> audit(const LedgerDirectory& ledger, const NodeId& author,
                            std::unique_ptr<Task> task, const AuditOptions& options) {
  auto learner = learner_of(ledger, author, std::move(task));
  if (!learner) return std::unexpected(learner.error());
  auto waiting = votes_by_step(ledger);
  Comparison comparison;
  const auto chosen = choose(ledger, author, options);
  for (const VotePacket* packet : chosen) {
    // The author's replica held all votes before replica_step, and perhaps a few newer ones.
    node::ApplyVotesJob apply;
    const auto end = waiting.lower_bound(packet->replica_step);
    for (auto at = waiting.begin(); at != end; ++at)
      std::ranges::move(at->second, std::back_inserter(apply.batches));
    waiting.erase(waiting.begin(), end);
    static_cast<void>(learner->run(std::move(apply)));
    const auto probed =
        learner->run(node::ProbeJob{.step = packet->step,
                                    .first_probe = packet->first_probe,
                                    .count = static_cast<std::uint32_t>(packet->codes.size())});
    if (const auto* failed = std::get_if<node::LearnerFailed>(&probed)) {
      return failure(failed->message);
    }
    const Bytes& computed = std::get<node::ProbeDone>(probed).codes;
    for (std::size_t i = 0; i < computed.size(); ++i) comparison.add(packet->codes[i], computed[i]);
  }
  return AuditedAuthor{.author = author,
                       .packets = chosen.size(),
                       .votes = comparison.votes(),
                       .correlation = comparison.correlation(),
                       .sign_agreement = comparison.sign_agreement()};
}

}  // namespace starling::cli
