// NodeParts: two processes of one node (protocol/overlay/identity_watch.h).

#include <string>
#include <utility>

#include "node/core/node_parts.h"
#include "protocol/overlay/incarnation.h"

namespace starling::node {

namespace {

using namespace std::chrono_literals;

/// From a restored node's first neighbour on, before interval_scale: for an older process of it to
/// say that it lives. Our guess: many round trips through the broadcast's tree.
constexpr Duration sole_process_time = 1s;

}  // namespace

void NodeParts::expect_word_of_other_process(Instant now) {
  if (sole_process_at_ != Instant::never()) return;
  sole_process_at_ = now + scaled(sole_process_time, config_.interval_scale);
}

/// When a node with a past is known to be no copy of one that is in use; never for a new one, which
/// need not wait.
Instant NodeParts::sole_process_known_at() const {
  if (!is_restored_ || config_.nodes_expected <= 1) return Instant::never();
  return std::min(sole_process_at_, joining_since_ + start_wait());
}

/// Whoever speaks to a neighbour hears of the other process within moments, and should not have
/// exchanged anything before.
bool NodeParts::may_be_copy(Instant now) const {
  const Instant known_at = sole_process_known_at();
  return known_at != Instant::never() && now < known_at;
}

void NodeParts::on(SecondProcess&& input, Turn& turn) {
  if (input.peer != config_.self.id) {
    return watch_.newcomer(input.peer, input.incarnation, turn.now, turn.effects);
  }
  // The handshake shows that it lives, so nobody has to be asked.
  if (input.incarnation < config_.incarnation) {
    return stop_as_copy(input.incarnation, input.address, turn);
  }
  turn.verdicts.push_back(
      {.peer = input.peer, .incarnation = input.incarnation, .is_admitted = false, .proof = {}});
}

/// Signed with our key. A word of a process that has ended may still be on its way: it names nobody
/// as its rival, and began earlier, so that nothing follows from it.
void NodeParts::on_own_presence(const protocol::Presence& other, Turn& turn) {
  if (other.incarnation == config_.incarnation) return;
  if (watch_.is_outranked_by(other)) return stop_as_copy(other.incarnation, other.address, turn);
  if (watch_.outranks(other)) turn.announcements.emplace_back(presence(other.incarnation));
}

void NodeParts::on_challenge(const NodeId& peer, const protocol::IdentityChallenge& challenge,
                             Turn& turn) {
  if (challenge.incarnation == config_.incarnation) return;  // no other process
  const protocol::SignedAnnouncement answer{config_.self.id, sequence_++,
                                            presence(challenge.incarnation)};
  turn.effects.send(
      peer, protocol::IdentityProof{protocol::sign_announcement(answer, config_.run, config_.key)});
}

void NodeParts::on_proof(const NodeId& peer, protocol::IdentityProof&& proof, Turn& turn) {
  const auto opened = config_.open_announcement(proof.presence, config_.run);
  if (!opened) return turn.blame(peer, opened.error());
  const auto* other = std::get_if<protocol::Presence>(&opened->content);
  if (opened->author == config_.self.id && other != nullptr) return on_own_presence(*other, turn);
  judge(peer, watch_.answered(peer, *opened, std::move(proof.presence)), turn);
}

/// Without a word to the others: what they know of this node is true of the other process.
void NodeParts::stop_as_copy(std::uint64_t earlier, const std::string& address, Turn& turn) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
      protocol::time_between(earlier, config_.incarnation));
  stop_reason_ =
      "another process runs with the key of this node, " + config_.self.id.short_text() + ", at " +
      (address.empty() ? "an address that is not known" : address) + "; it began " +
      std::to_string(seconds.count()) +
      " s before this one, which stops. A directory is for one process: to take part with a second "
      "machine, run starling join there with a new directory instead of a copy";
  for (const auto& [peer, path] : links_) {
    turn.effects.hang_up(peer, protocol::CloseReason::duplicate_identity);
  }
  enter(Phase::stopped);
  turn.events.emplace_back(Stopped{stop_reason_});
}

}  // namespace starling::node
