// NodeParts: what a node says to everyone, and how.

#include <algorithm>
#include <utility>

#include "node/core/node_parts.h"

namespace starling::node {

namespace {

using namespace std::chrono_literals;

// All before interval_scale, and all our guesses, untuned.
constexpr Duration presence_interval = 4s;
constexpr double gather_from_stretch = 1.5;  // 96 nodes: below, waiting costs more than it saves
constexpr Duration gather_per_stretch = 250ms;
constexpr Duration gather_time_max = 2s;

}  // namespace

Duration NodeParts::presence_pause(double stretch) const {
  return scaled(presence_interval, config_.interval_scale * stretch);
}

/// Where presence is the most of what is said: all announce at a start and at an end alike, and a
/// message for each would be as many messages for everyone as there are nodes.
Duration NodeParts::gather_time() const {
  if (roll_.stretch() < gather_from_stretch) return Duration{0};
  const Duration wanted = scaled(gather_per_stretch, roll_.stretch() - 1);
  return scaled(std::min(wanted, gather_time_max), config_.interval_scale);
}

bool NodeParts::is_finished() const {
  const bool is_waiting = phase_ == Phase::waiting && !trainer_->catching_up();
  return is_waiting || phase_ == Phase::merging || phase_ == Phase::done;
}

protocol::Presence NodeParts::presence(std::uint64_t rival) const {
  return {.address = config_.self.address,
          .incarnation = config_.incarnation,
          .step = trainer_->step(),
          .finished = is_finished(),
          .leaving = phase_ == Phase::leaving,
          .rival = rival,
          .reach = own_reach_.reach(),
          .merged = phase_ == Phase::done};
}

void NodeParts::announce_presence(Turn& turn) {
  if (presence_announced_at_ == turn.now) return;
  presence_announced_at_ = turn.now;
  presence_at_ = turn.now + presence_pause();
  told_finished_ = is_finished();
  turn.announcements.emplace_back(presence(0));
}

/// Signs and broadcasts; our own votes come back to the trainer as everyone else's do.
void NodeParts::publish(Turn& turn) {
  for (protocol::Announcement& content : std::exchange(turn.announcements, {})) {
    const auto* proof = std::get_if<protocol::EquivocationProof>(&content);
    const NodeId author = proof != nullptr ? proof->author : config_.self.id;
    protocol::SignedAnnouncement announcement{author, proof != nullptr ? 0 : sequence_++,
                                              std::move(content)};
    Bytes bytes = protocol::sign_announcement(announcement, config_.run, config_.key);
    spread(announcement, bytes, turn);
    on_announcement(announcement, std::move(bytes), turn);
  }
}

/// Votes are many and small, and the ledger repairs its own gaps: where everyone present is a
/// neighbour each gets its one copy from the author, which costs less than any tree and spreads the
/// upload evenly.
void NodeParts::spread(const protocol::SignedAnnouncement& announcement, const Bytes& bytes,
                       Turn& turn) {
  const bool is_vote = std::holds_alternative<protocol::VotePacket>(announcement.content);
  const bool reaches_all = std::ranges::all_of(
      roll_.present(), [this](const NodeId& node) { return membership_.is_neighbour(node); });
  if (is_vote && reaches_all) {
    for (const NodeId& peer : membership_.neighbours()) {
      turn.effects.send(peer, protocol::VoteRange{{bytes}});
    }
  } else {
    const auto* presence = std::get_if<protocol::Presence>(&announcement.content);
    const bool can_wait = presence != nullptr && presence->rival == 0;
    const auto id =
        broadcast_.broadcast(bytes, can_wait ? protocol::Haste::can_wait : protocol::Haste::at_once,
                             turn.now, turn.effects);
    if (presence != nullptr) presence_id_ = id;
  }
}

}  // namespace starling::node
