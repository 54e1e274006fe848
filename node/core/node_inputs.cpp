// NodeParts: one function for each input.

#include <concepts>
#include <type_traits>
#include <utility>

#include "node/core/node_parts.h"
#include "protocol/overload.h"

namespace starling::node {

namespace {

using protocol::Overload;
using protocol::RejectReason;

template <class Kind, class... Kinds>
concept OneOf = (std::same_as<std::remove_const_t<Kind>, Kinds> || ...);

// Where messages that only pass through go. A kind that has no arm in on(MessageReceived) and is in
// none of these lists does not compile.
template <class Kind>
concept MembershipMessage =
    OneOf<Kind, protocol::Join, protocol::ForwardJoin, protocol::NeighbourRequest,
          protocol::NeighbourReply, protocol::LeaveView, protocol::Shuffle>;
template <class Kind>
concept ProbeMessage = OneOf<Kind, protocol::Ping, protocol::IndirectPing, protocol::IndirectPong>;
template <class Kind>
concept TrainerMessage =
    OneOf<Kind, protocol::ExchangeOffer, protocol::ExchangeAccept, protocol::ExchangeBusy,
          protocol::ExchangeApplied, protocol::RoundOpen, protocol::Progress, protocol::VoteVector,
          protocol::VoteRangeRequest, protocol::VoteRange, protocol::StateQuery,
          protocol::StateOffer, protocol::CutDigest, protocol::CutParts>;
template <class Kind>
concept MergeRequestMessage =
    OneOf<Kind, protocol::MergeSliceRequest, protocol::MergeRosterRequest>;
template <class Kind>
concept ReachMessage =
    OneOf<Kind, protocol::ObservedAddress, protocol::DialBackRequest, protocol::DialBackReply,
          protocol::Rendezvous, protocol::CircuitOpen, protocol::CircuitData,
          protocol::CircuitCredit, protocol::CircuitClose>;
/// The session keeps these to itself, a member asks for no description, and a form has been heard
/// before all others.
template <class Kind>
concept MisplacedMessage = OneOf<Kind, protocol::Close, protocol::Credit, protocol::BulkHeader,
                                 protocol::Description, protocol::ModelForm>;

}  // namespace

void NodeParts::on(PeerConnected&& input, Turn& turn) {
  const NodeId id = input.peer.id;
  if (score_.is_banned(id, turn.now)) {
    turn.effects.hang_up(id, protocol::CloseReason::misbehaviour);
    return;
  }
  tell_form(input, turn);
  note_link(input, turn);
  membership_.link_up(input.peer, input.dialled_by_us, turn.now, turn.effects);
  if (merge_.running()) detector_.neighbour_up(id, turn.now);
  merge_.on_link_up(id, turn.now, merge_output(turn));
}

void NodeParts::on(PeerDisconnected&& input, Turn& turn) {
  watch_.link_down(input.peer);
  if (links_.erase(input.peer) == 0) return;
  note_broken_link(input.peer, input.reason);
  if (input.reason == protocol::CloseReason::shutting_down) {
    roll_.said_farewell(input.peer, turn.now);
  }
  forget_form(input.peer);
  begun_.erase(input.peer);
  described_to_.erase(input.peer);
  paths_.link_down(input.peer);
  own_reach_.link_down(input.peer);
  relay_.link_down(input.peer, turn.effects);
  membership_.link_down(input.peer, input.reason, turn.now, turn.effects);
  catch_up_.link_down(input.peer);
  detector_.neighbour_down(input.peer);
  merge_.on_link_down(input.peer, turn.now, merge_output(turn));
}

void NodeParts::on(ConnectFailed&& input, Turn& turn) {
  const bool is_named = input.peer.id != NodeId{};
  if (membership_.isolated()) {
    const auto news = contact_report_.failed(input.peer.address, input.problem, input.detail);
    if (news) turn.events.emplace_back(*news);
  }
  if (input.problem == protocol::DialProblem::self) {
    membership_.forget_contact(input.peer.address);
  }
  if (is_named) {
    // Another path may lead there: membership hears of it once all have been tried.
    paths_.failed(input.peer.id, input.path, turn.now, turn.effects);
  } else if (input.problem != protocol::DialProblem::self &&
             input.problem != protocol::DialProblem::already_linked) {
    membership_.dial_failed(input.peer, turn.now, turn.effects);
  }
}

void NodeParts::on(TimerFired&&, Turn& turn) {
  timer_ = Instant::never();
  membership_.tick(turn.now, turn.effects);
  detector_.tick(turn.now, turn.effects);
  broadcast_.tick(turn.now, turn.effects);
  trainer_->tick(turn);
  merge_.tick(turn.now, merge_output(turn));
  catch_up_.tick(turn.now);
  watch_.tick(turn.now);
  tick_paths(turn);
  if (presence_at_ <= turn.now) announce_presence(turn);
  for (const NodeId& dead : detector_.take_dead()) {
    turn.effects.hang_up(dead, protocol::CloseReason::timed_out);
  }
}

/// Whoever sends lives, and what it sends is not overdue.
void NodeParts::on(BulkProgressed&& input, Turn& turn) {
  if (!links_.contains(input.peer)) return;
  detector_.heard(input.peer, turn.now);
  trainer_->progressed(input, turn);
  if (input.kind == protocol::BulkKind::state) catch_up_.progressed(input, turn.now);
}

/// Told once for each kind: another version of the program would do it again and again.
void NodeParts::on(BulkRefused&& input, Turn& turn) {
  if (!refusals_told_.insert(input.refusal.kind).second) return;
  const std::string whose = input.is_own ? "not sent to " : "refused from ";
  turn.events.emplace_back(Warned{whose + input.peer.short_text() + ": " + text_of(input.refusal)});
}

void NodeParts::on(StateStored&&, Turn& turn) {
  if (phase_ == Phase::leaving) leave(turn);
}

void NodeParts::on(LearnerFinished&& input, Turn& turn) {
  on_result(std::move(input.result), turn);
}

void NodeParts::on(InputRejected&& input, Turn&) {
  score_.count(input.reason);
}

void NodeParts::on(MergeRequested&& input, Turn& turn) {
  if (input.accepts_partial) policy_.accept_partial();
  if (phase_ != Phase::training && phase_ != Phase::waiting) return;
  if (policy_.has_quorum(roll_) || policy_.accepts_partial()) propose(turn);
}

void NodeParts::on(LeaveRequested&&, Turn& turn) {
  if (phase_ == Phase::leaving || phase_ == Phase::stopped) return;
  // A merge under way, or done, has its result elsewhere; a checkpoint is for what goes on later.
  const bool is_worth_saving = phase_ == Phase::training || phase_ == Phase::waiting;
  enter(Phase::leaving);
  trainer_->stop(turn);
  if (is_worth_saving && trainer_->needs_state()) {
    turn.stores_state = true;
  } else {
    leave(turn);
  }
}

/// Counts what a peer did wrong, and closes the link when that has become too much.
void NodeParts::judge(const NodeId& peer, const protocol::Handled& handled, Turn& turn) {
  if (!handled) turn.blame(peer, handled.error());
}

void NodeParts::on(MessageReceived&& input, Turn& turn) {
  const NodeId& peer = input.peer;
  if (!links_.contains(peer)) return;
  detector_.heard(peer, turn.now);
  if (!is_of_fitting_peer(input, turn)) return;
  const bool brings_own_state = !trainer_->needs_state();
  const auto to_trainer = [&](auto& message) {
    trainer_->receive(peer, protocol::Message(std::move(message)), turn);
  };
  std::visit(
      Overload{
          [&](const MembershipMessage auto& m) {
            judge(peer, membership_.receive(peer, m, turn.now, turn.effects), turn);
          },
          [&](const protocol::ShuffleReply& m) { judge(peer, membership_.receive(peer, m), turn); },
          [&](const ProbeMessage auto& m) { detector_.receive(peer, m, turn.now, turn.effects); },
          [&](const protocol::Pong& m) { on_pong(peer, m, turn); },
          [&](protocol::Gossip& m) {
            on_gossip(peer, std::move(m), protocol::Haste::at_once, turn);
          },
          [&](protocol::GossipBatch& m) {
            for (protocol::Gossip& gossip : m.bodies) {
              on_gossip(peer, std::move(gossip), protocol::Haste::can_wait, turn);
            }
          },
          [&](const protocol::IHave& m) {
            judge(peer, broadcast_.receive(peer, m, turn.now), turn);
          },
          [&](const protocol::Graft& m) {
            judge(peer, broadcast_.receive(peer, m, turn.now, turn.effects), turn);
          },
          [&](const protocol::Prune& m) { judge(peer, broadcast_.receive(peer, m), turn); },
          [&](protocol::Bulk& m) { on_bulk(peer, std::move(m), turn); },
          [&](protocol::StateRequest& m) {
            if (brings_own_state) return to_trainer(m);
            const bool has_trained = phase_ == Phase::training || phase_ == Phase::waiting;
            catch_up_.receive(peer, m, has_trained && trainer_->step() > 0, turn);
          },
          [&](protocol::StateUnavailable& m) {
            if (brings_own_state) return to_trainer(m);
            catch_up_.receive(peer, m);
          },
          [&](const protocol::DescriptionRequest&) { describe_run(peer, turn); },
          [&](const protocol::IdentityChallenge& m) { on_challenge(peer, m, turn); },
          [&](protocol::IdentityProof& m) { on_proof(peer, std::move(m), turn); },
          [&](const MergeRequestMessage auto& m) { merge_.receive(peer, m, merge_output(turn)); },
          [&](const protocol::MergeAttested& m) { merge_.receive(m, turn.now); },
          [&](protocol::MergeCommitments& m) { on_commitments(peer, std::move(m), turn); },
          [&](protocol::EdgeHello& m) {
            if (phase_ == Phase::joining) begun_[peer] = m.step;
            to_trainer(m);
          },
          [&](TrainerMessage auto& m) { to_trainer(m); },
          [&](const ReachMessage auto& m) { on_reach(peer, m, turn); },
          [&](const MisplacedMessage auto&) { turn.blame(peer, RejectReason::unexpected); }},
      input.message);
}

/// Once for each link: a description is many times longer than the question.
void NodeParts::describe_run(const NodeId& peer, Turn& turn) {
  if (!described_to_.insert(peer).second) return turn.blame(peer, RejectReason::unexpected);
  turn.effects.send(peer, protocol::Description{config_.description});
}

void NodeParts::on_pong(const NodeId& peer, const protocol::Pong& pong, Turn& turn) {
  detector_.receive(peer, pong, turn.now, turn.effects);
  if (const auto time = detector_.round_trip(peer)) broadcast_.set_round_trip(peer, *time);
}

void NodeParts::on_gossip(const NodeId& peer, protocol::Gossip&& gossip, protocol::Haste haste,
                          Turn& turn) {
  const auto is_new = broadcast_.receive(peer, gossip, turn.effects);
  if (!is_new) return turn.blame(peer, is_new.error());
  if (!*is_new) return;
  const auto opened = config_.open_announcement(gossip.body, config_.run);
  if (!opened) return turn.blame(peer, opened.error());
  broadcast_.accept(peer, gossip, haste, turn.now, turn.effects);
  on_announcement(*opened, std::move(gossip.body), turn);
  // Our own too, from before a restart: the merge goes on where it was.
  merge_.on_announcement(opened->author, opened->content, peer, turn.now, merge_output(turn));
}

void NodeParts::on_announcement(const protocol::SignedAnnouncement& announcement, Bytes&& bytes,
                                Turn& turn) {
  const NodeId& author = announcement.author;
  if (const auto* presence = std::get_if<protocol::Presence>(&announcement.content)) {
    if (author == config_.self.id) return on_own_presence(*presence, turn);
    membership_.remember({author, presence->address}, protocol::AddressBook::Source::first_hand);
    memory_.heard({author, presence->address}, turn.now);
    if (roll_.heard(author, *presence, turn.now)) policy_.reset();
    return;
  }
  trainer_->receive(announcement, std::move(bytes), turn);
}

void NodeParts::on_bulk(const NodeId& peer, protocol::Bulk&& bulk, Turn& turn) {
  switch (bulk.kind) {
    case protocol::BulkKind::pair_payload:
    case protocol::BulkKind::round_payload:
    case protocol::BulkKind::hat_copy:
      return trainer_->receive(peer, protocol::Message(std::move(bulk)), turn);
    case protocol::BulkKind::merge_part:
    case protocol::BulkKind::merged_slice:
    case protocol::BulkKind::merge_roster:
      return merge_.on_bulk(peer, std::move(bulk), turn.now, merge_output(turn));
    case protocol::BulkKind::state:
      if (!trainer_->needs_state()) {
        return trainer_->receive(peer, protocol::Message(std::move(bulk)), turn);
      }
      return catch_up_.receive(peer, std::move(bulk), turn);
  }
}

}  // namespace starling::node
