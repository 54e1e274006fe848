// NodeParts: what the other end of a link trains. Nothing is mixed before that is known.

#include <algorithm>
#include <string>

#include "node/core/model_form.h"
#include "node/core/node_parts.h"

namespace starling::node {

namespace {

/// Told about once each; a bound, for names cost nothing.
constexpr std::size_t misfits_told_max = 256;

}  // namespace

/// The first message on the link, before membership's.
void NodeParts::tell_form(const PeerConnected& input, Turn& turn) {
  turn.effects.send(input.peer.id, own_form_);
  const auto is_dialled = [&](const protocol::PeerRecord& contact) {
    return contact.address == input.peer.address;
  };
  const bool is_contact = std::ranges::any_of(config_.bootstrap, is_dialled);
  if (input.dialled_by_us && is_contact) contacts_.insert(input.peer.id);
}

void NodeParts::forget_form(const NodeId& peer) {
  fitting_.erase(peer);
  contacts_.erase(peer);
}

/// False: nothing more is to be done with the message. A newcomer that asks what the run is has no
/// model yet, and the proof that another process runs is given before a link is one.
bool NodeParts::is_of_fitting_peer(const MessageReceived& input, Turn& turn) {
  if (const auto* form = std::get_if<protocol::ModelForm>(&input.message)) {
    on_form(input.peer, *form, turn);
    return false;
  }
  if (fitting_.contains(input.peer)) return true;
  const bool needs_no_form = std::holds_alternative<protocol::DescriptionRequest>(input.message) ||
                             std::holds_alternative<protocol::IdentityProof>(input.message);
  if (!needs_no_form) turn.blame(input.peer, protocol::RejectReason::unexpected);
  return needs_no_form;
}

void NodeParts::on_form(const NodeId& peer, const protocol::ModelForm& form, Turn& turn) {
  if (fitting_.contains(peer)) return turn.blame(peer, protocol::RejectReason::unexpected);
  const auto difference = difference_between(own_form_, form);
  if (!difference) {
    fitting_.insert(peer);
    return;
  }
  score_.count(protocol::RejectReason::other_model);
  turn.effects.hang_up(peer, protocol::CloseReason::other_model);
  const std::string text =
      "node " + peer.short_text() + " trains another model: " + *difference + "; it is refused";
  // The run's own address says so, and nobody else has been met: whoever comes is to look at its
  // data. A node that has met others goes on with them.
  const bool is_newcomer = phase_ == Phase::joining && restored_step_ == 0 && !roll_.has_heard();
  if (is_newcomer && contacts_.contains(peer)) {
    stop_reason_ = text + ". Start with data whose columns and classes are those of the run";
    turn.events.emplace_back(Warned{stop_reason_});
    return leave(turn);
  }
  if (misfits_told_.size() < misfits_told_max && misfits_told_.insert(peer).second) {
    turn.events.emplace_back(Warned{text});
  }
}

}  // namespace starling::node
