// VoteTrainer: authors that sign two packets under one number (docs/LEDGER.md, Equivocation).

#include <algorithm>
#include <string>
#include <utility>

#include "node/core/vote_cut.h"
#include "node/core/vote_trainer.h"
#include "optim/ledger/vote_code.h"

namespace starling::node {

/// A second packet with a number that the ledger holds. The same content signed again is no second
/// packet.
void VoteTrainer::expose(const protocol::SignedAnnouncement& announcement,
                         const Bytes& signed_bytes, Turn& turn) {
  const auto& packet = std::get<protocol::VotePacket>(announcement.content);
  const Bytes* held = ledger_.find(announcement.author, packet.packet);
  if (held == nullptr) return;
  auto proof = protocol::prove_equivocation(*held, signed_bytes);
  if (!proof) return;
  protocol::SignedAnnouncement as_sent{proof->author, 0, *proof};
  convict(*proof, protocol::sign_announcement(as_sent, config_.run, config_.key), false, turn);
  turn.announcements.emplace_back(std::move(*proof));
}

/// What the author's void packets have added is taken out again, so that replicas end with the same
/// sum whichever came first, the packets or the proof.
void VoteTrainer::convict(const protocol::EquivocationProof& proof, Bytes signed_bytes,
                          bool is_logged, Turn& turn) {
  const auto voided = ledger_.convict(proof, signed_bytes);
  if (!voided) return;
  if (!is_logged) turn.vote_log.push_back(std::move(signed_bytes));
  turn.events.emplace_back(Equivocated{proof.author, proof.packet});
  if (proof.author == config_.self.id && !std::exchange(is_convicted_, true)) {
    patience_ends_ = Instant::never();
    turn.events.emplace_back(
        Warned{"this node votes no more: two different packets of votes were signed with its key "
               "under number " +
               std::to_string(proof.packet) +
               "; look for a second process that uses a copy of its directory"});
  }
  for (const auto& [number, bytes] : voided->packets) take_out(proof.author, number, bytes);
  if (holds_void(cut_packets_)) {
    donor_.forget();
    for (protocol::VoteCount& count : cut_packets_) {
      if (count.author == proof.author) count.packets = std::min(count.packets, proof.packet);
    }
  }
  if (voided->is_complete) return;
  loading_ ? static_cast<void>(begins_anew_ = true) : begin_anew(turn);
}

/// A vote with its sign turned is the vote's exact inverse.
void VoteTrainer::take_out(const NodeId& author, std::uint64_t packet, const Bytes& signed_bytes) {
  VoteBatch batch = batch_of({author, packet, signed_bytes}, config_.recipe.ledger().window_steps);
  if (batch.codes.empty()) return;
  votes_counted_ -= batch.codes.size();
  divergence_.voided(signed_bytes, batch);
  for (std::uint8_t& code : batch.codes) code ^= optim::vote_sign;
  pending_.push_back(std::move(batch));
}

/// True if such a prefix of the ledger contains packets that are void.
bool VoteTrainer::holds_void(const std::vector<protocol::VoteCount>& counts) const {
  return std::ranges::any_of(counts, [this](const protocol::VoteCount& count) {
    const auto voided = ledger_.voided_from(count.author);
    return voided && *voided < count.packets;
  });
}

/// The replica holds void votes whose bytes are not at hand, because it began with a snapshot or
/// let them go: it becomes the sum of the packets at hand, and fetches what it lacks then like any
/// joiner.
void VoteTrainer::begin_anew(Turn& turn) {
  ledger_.begin_anew();
  donor_.forget();
  divergence_.begin_with_snapshot();  // which packets were in the sum is not known
  pending_.clear();
  pending_applied_ = 0;
  cut_packets_.clear();
  cut_step_ = 0;
  votes_counted_ = 0;
  RebuildJob job{.packets = {}, .is_anew = true};
  for (const protocol::HeldPacket& held : ledger_.held_beyond({})) {
    votes_counted_ += batch_of(held, config_.recipe.ledger().window_steps).codes.size();
    job.packets.emplace_back(held.signed_bytes.begin(), held.signed_bytes.end());
  }
  rebuilding_anew_ += 1;
  turn.jobs.emplace_back(std::move(job));
}

}  // namespace starling::node
