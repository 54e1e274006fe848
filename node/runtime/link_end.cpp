#include "node/runtime/link_end.h"

#include <variant>

namespace starling::runtime {

using protocol::CloseReason;
using protocol::DialProblem;
using protocol::RejectReason;

DialProblem dial_problem_of(const protocol::SessionClosed& closed) {
  if (closed.problem) return *closed.problem;
  const auto* rejected = std::get_if<RejectReason>(&closed.why);
  if (rejected == nullptr) return DialProblem::not_accepted;
  switch (*rejected) {
    case RejectReason::wrong_identity:
      return DialProblem::wrong_identity;
    case RejectReason::expired_key:
      return DialProblem::clock;
    case RejectReason::handshake_slow:
      return DialProblem::timed_out;
    case RejectReason::truncated:
      return DialProblem::not_accepted;
    case RejectReason::bad_frame:  // "SSH-" or "HTTP" read as a length
      return DialProblem::not_starling;
    default:
      return DialProblem::wrong_key;
  }
}

bool may_have_crossed(const protocol::SessionClosed& closed) {
  const auto* rejected = std::get_if<RejectReason>(&closed.why);
  return rejected != nullptr &&
         (*rejected == RejectReason::bad_handshake || *rejected == RejectReason::bad_frame);
}

CloseReason close_reason_of(RejectReason reason) {
  switch (reason) {
    case RejectReason::stalled:
    case RejectReason::handshake_slow:
      return CloseReason::timed_out;
    case RejectReason::truncated:
      return CloseReason::connection_lost;
    default:
      return CloseReason::misbehaviour;
  }
}

CloseReason close_reason_of(DialProblem objection) {
  switch (objection) {
    case DialProblem::self:
      return CloseReason::normal;
    case DialProblem::already_linked:
      return CloseReason::duplicate_link;
    default:
      return CloseReason::too_many_links;
  }
}

}  // namespace starling::runtime
